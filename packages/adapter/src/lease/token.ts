import { randomBytes } from 'node:crypto'

/** A name that nobody can guess, for an owner or an address: 128 random bits in base64url, 22 characters. */
export function newToken(): string {
  return randomBytes(16).toString('base64url')
}
