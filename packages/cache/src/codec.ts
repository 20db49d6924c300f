import { types } from 'node:util'
import { deserialize, serialize } from 'node:v8'
import { shown } from '@holdfast/adapter/options'

/**
 * Turns values into bytes and back. Both may throw: what cannot be encoded is not stored, what cannot be decoded is loaded again. What is
 * decoded may share memory with its bytes, which are nobody else's.
 */
export interface Codec {
  encode(value: unknown): Uint8Array
  decode(bytes: Uint8Array): unknown
}

/** Node's structured clone: it keeps Date, Map, Set, Buffer, BigInt, NaN and cycles. Of instances of classes it keeps the fields. */
export const structuredCodec: Codec = {
  encode: serialize,
  decode: (bytes): unknown => deserialize(bytes),
}

/** The same codec: it decodes copies, and what it encodes is bytes. */
export function guarded(codec: Codec): Codec {
  return {
    encode(value) {
      const bytes: unknown = codec.encode(value)
      if (!types.isUint8Array(bytes)) throw new TypeError(`codec.encode must give a Uint8Array, got ${shown(bytes)}`)
      return bytes
    },
    decode: (bytes) => codec.decode(Buffer.from(bytes)),
  }
}
