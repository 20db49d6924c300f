import { types } from 'node:util'
import type { CallOptions } from './adapter.ts'
import { checkedWhole, checkKnown, checkSignal, shown } from './checks.ts'
import { OperationError } from './errors.ts'
import type { RedisArgument } from './operation.ts'

/** @throws {RangeError} when it is not a whole number of milliseconds: Infinity would leave a key without an end */
export function checkedTtl(ttlMs: number): number {
  if (Number.isSafeInteger(ttlMs)) return ttlMs
  throw new RangeError(`ttlMs must be a whole number of milliseconds, got ${shown(ttlMs)}`)
}

/** @throws {TypeError} when it is not bytes: not every adapter would make the same ones of a text */
export function checkedValue(value: Uint8Array): Uint8Array {
  if (types.isUint8Array(value)) return value
  throw new TypeError(`value must be a Uint8Array, got ${typeof value}`)
}

/** @throws {OperationError} when one of them is of another kind, or there are too many: clients fail in ways of their own, or send something else */
export function checkedEncoded(operation: string, encoded: RedisArgument[]): RedisArgument[] {
  if (encoded.length > MOST_ARGUMENTS) {
    throw new OperationError(
      `Operation ${operation} encodes ${encoded.length} arguments: there are ${MOST_ARGUMENTS} at the most`,
    )
  }
  const at = encoded.findIndex((arg) => typeof arg !== 'string' && typeof arg !== 'number' && !Buffer.isBuffer(arg))
  if (at === -1) return encoded
  throw new OperationError(
    `Operation ${operation} encodes ${shown(encoded[at])} as argument ${at + 1}: there are strings, numbers and Buffers`,
  )
}

/** @throws {TypeError} when the clock is not one */
export function checkedNow(now: (() => number) | undefined): void {
  if (now === undefined || typeof now === 'function') return
  throw new TypeError(`now must be a function that returns milliseconds, got ${typeof now}`)
}

/** A clock of whole milliseconds, as Redis' own is: ends are counted in them. */
export function wholeMs(now: () => number): () => number {
  return () => Math.floor(now())
}

/** @throws {RangeError} when it is not a duration that a timer can wait for */
export function checkedTimeout(timeoutMs: number): number {
  return checkedWhole('timeoutMs', timeoutMs, 1, LONGEST_TIMER_MS)
}

/** @throws {RangeError | TypeError} when the timeout of a call is not one, or its signal, or when there is another option */
export function checkCallOptions(options: CallOptions): void {
  checkKnown('a call', options, CALL_OPTIONS)
  const { timeoutMs, signal } = options
  if (timeoutMs !== undefined) checkedTimeout(timeoutMs)
  checkSignal(signal)
}

const CALL_OPTIONS = ['timeoutMs', 'signal']

/** Clients pass them on as arguments of functions, of which a stack holds some 100,000. */
const MOST_ARGUMENTS = 32_768
const LONGEST_TIMER_MS = 2 ** 31 - 1
