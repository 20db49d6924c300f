import { createHash } from 'node:crypto'

/** Stands for what was asked: SHA-256 in base64url, so that a record holds nothing of a payload. */
export function digest(...parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest('base64url')
}
