import { deserialize, serialize } from 'node:v8'

/** Turns values into bytes and back. Both may throw: what cannot be encoded is not stored, what cannot be decoded is loaded again. */
export interface Codec {
  encode(value: unknown): Uint8Array
  decode(bytes: Uint8Array): unknown
}

/** Node's structured clone: it keeps Date, Map, Set, Buffer, BigInt, NaN and cycles. Of instances of classes it keeps the fields. */
export const structuredCodec: Codec = {
  encode: serialize,
  // A copy: what is decoded may share memory with the bytes that it came from.
  decode: (bytes) => deserialize(Buffer.from(bytes)),
}

/** Freezes a value of plain objects, arrays and primitives through and through. False, and nothing is frozen, when it has others. */
export function freezePlain(value: unknown): boolean {
  const seen = new Set<object>()
  if (!isPlain(value, seen)) return false
  for (const each of seen) Object.freeze(each)
  return true
}

function isPlain(value: unknown, seen: Set<object>): boolean {
  if (typeof value !== 'object' || value === null) return typeof value !== 'function'
  if (seen.has(value)) return true
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== Array.prototype && prototype !== null) return false
  seen.add(value)
  return Object.values(value).every((each) => isPlain(each, seen))
}
