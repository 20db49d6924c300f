import { deserialize, serialize } from 'node:v8'

/** Turns values into bytes and back. What cannot be encoded is given once, and is not run again. */
export interface Codec {
  encode(value: unknown): Uint8Array
  decode(bytes: Uint8Array): unknown
}

/** Node's structured clone: it keeps Date, Map, Set, Buffer, BigInt, NaN and cycles. Of instances of classes it keeps the fields. */
export const structuredCodec: Codec = {
  encode: serialize,
  // A copy: what is decoded may share memory with the bytes that it came from.
  decode(bytes) {
    const value: unknown = deserialize(Buffer.from(bytes))
    return value
  },
}
