import { types } from 'node:util'
import type { Adapter, CallOptions } from './adapter.ts'

/**
 * What was given as the option `adapter` of a package that needs one.
 *
 * @throws {TypeError} when it is missing, or no adapter, and says what to give
 */
export function checkedAdapter(given: unknown): Adapter {
  if (isAdapter(given)) return given
  if (given === undefined || given === null)
    throw new TypeError('adapter is missing: give memoryAdapter() or redisAdapter({ url })')
  const what = typeof given === 'object' ? 'another object' : `a ${typeof given}` // a URL may have a password
  throw new TypeError(
    `adapter must be memoryAdapter(), redisAdapter({ url }), or of a client redisAdapter({ client }), got ${what}`,
  )
}

function isAdapter(given: unknown): given is Adapter {
  return typeof given === 'object' && given !== null && 'run' in given && typeof given.run === 'function'
}

/** @throws {TypeError} when the options are no object, or there is one that nothing reads: it is misspelt, or of another library */
export function checkKnown(of: string, options: object, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null) {
    const what = typeof options === 'string' ? 'a string' : shown(options) // a URL may have a password
    throw new TypeError(`The options of ${of} must be an object, got ${what}`)
  }
  for (const [option, value] of Object.entries(options)) {
    if (value === undefined || known.includes(option)) continue
    throw new TypeError(`Unknown option ${JSON.stringify(option)} of ${of}: there are ${known.join(', ')}`)
  }
}

/** @throws {RangeError} when `value` is not a whole number of at least `least` */
export function checkedWhole(name: string, value: number, least: number): number {
  if (Number.isSafeInteger(value) && value >= least) return value
  throw new RangeError(`${name} must be a whole number of at least ${least}, got ${shown(value)}`)
}

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

/** @throws {TypeError} when the clock is not one */
export function checkedNow(now: (() => number) | undefined): void {
  if (now === undefined || typeof now === 'function') return
  throw new TypeError(`now must be a function that returns milliseconds, got ${typeof now}`)
}

/** @throws {RangeError} when it is not a duration that a timer can wait for */
export function checkedTimeout(timeoutMs: number): number {
  if (Number.isInteger(timeoutMs) && timeoutMs >= 1 && timeoutMs <= LONGEST_TIMER) return timeoutMs
  throw new RangeError(`timeoutMs must be a whole number of milliseconds from 1 to ${LONGEST_TIMER}, got ${shown(timeoutMs)}`)
}

/** @throws {RangeError | TypeError} when the timeout of a call is not one, or its signal */
export function checkCallOptions({ timeoutMs, signal }: CallOptions): void {
  if (timeoutMs !== undefined) checkedTimeout(timeoutMs)
  checkSignal(signal)
}

/** @throws {TypeError} when it is none; undefined is one that is left out */
export function checkSignal(signal: AbortSignal | undefined): void {
  if (signal === undefined || typeof signal?.addEventListener === 'function') return
  throw new TypeError(`signal must be an AbortSignal, got ${shown(signal)}`)
}

/** A value as error messages show it. */
function shown(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : String(value)
}

const LONGEST_TIMER = 2 ** 31 - 1
