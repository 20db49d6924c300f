import { randomFillSync } from 'node:crypto'

const BYTES = 16
/** Random bytes for many tokens: asking for them one by one costs ten times as much. */
const pool = Buffer.alloc(256 * BYTES)
let used = pool.length

/** A name that nobody can guess, for an owner or an address: 128 random bits in base64url, 22 characters. */
export function newToken(): string {
  if (used === pool.length) {
    randomFillSync(pool)
    used = 0
  }
  used += BYTES
  return pool.toString('base64url', used - BYTES, used)
}
