import { hashTag } from '../keys.ts'

/** How many slots a Cluster has. */
export const SLOTS = 16_384

/** CRC16 by the polynomial x^16 + x^12 + x^5 + 1, a byte at a time. */
const TABLE = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8
  for (let bit = 0; bit < 8; bit += 1) crc = (crc << 1) ^ (crc & 0x8000 ? 0x1021 : 0)
  return crc
})

/**
 * The slot of a Cluster in which Redis keeps a key, whatever is in it: what is believed to be in one slot is sent together, and refused
 * as a whole where it is not. By "Hash tags" in the Redis Cluster specification.
 */
export function slotOf(key: string): number {
  let crc = 0
  for (const byte of Buffer.from(hashTag(key))) crc = ((crc << 8) & 0xffff) ^ (TABLE[(crc >> 8) ^ byte] ?? 0)
  return crc % SLOTS
}
