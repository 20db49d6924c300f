import { types } from 'node:util'

/** @throws {RangeError} when `value` is not a whole number of at least `least` */
export function checkedWhole(name: string, value: number, least: number): number {
  if (Number.isSafeInteger(value) && value >= least) return value
  throw new RangeError(`${name} must be a whole number of at least ${least}, got ${String(value)}`)
}

/** @throws {RangeError} when it is not a whole number of milliseconds: Infinity would leave a key without an end */
export function checkedTtl(ttlMs: number): number {
  if (Number.isSafeInteger(ttlMs)) return ttlMs
  throw new RangeError(`ttlMs must be a whole number of milliseconds, got ${String(ttlMs)}`)
}

/** @throws {TypeError} when it is not bytes: not every adapter would make the same ones of a text */
export function checkedValue(value: Uint8Array): Uint8Array {
  if (types.isUint8Array(value)) return value
  throw new TypeError(`value must be a Uint8Array, got ${typeof value}`)
}

/** @throws {TypeError} when there is an option that nothing reads: it is misspelt, or of another library */
export function checkNothingUnknown(of: string, unknown: object): void {
  const [name] = Object.keys(unknown)
  if (name !== undefined) throw new TypeError(`Unknown option ${JSON.stringify(name)} of ${of}`)
}

/** @throws {TypeError} when the clock is not one */
export function checkedNow(now: (() => number) | undefined): void {
  if (now === undefined || typeof now === 'function') return
  throw new TypeError(`now must be a function that returns milliseconds, got ${typeof now}`)
}
