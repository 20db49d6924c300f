import { createHash } from 'node:crypto'

/** Stands for what was asked: SHA-256 in base64url, so that a record holds nothing of a payload. UTF-8 has no half of a surrogate pair. */
export function digest(...parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(typeof part === 'string' && !part.isWellFormed() ? Buffer.from(part, 'utf16le') : part)
  return hash.digest('base64url')
}
