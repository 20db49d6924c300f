import { createHash } from 'node:crypto'
import { abridged, OperationError } from './errors.ts'

const LONGEST_SUBJECT = 96

/**
 * The key of one subject: `package:name:{subject}`.
 *
 * No two subjects share a key, whatever is in them: separators, braces and control characters are escaped, and a subject of over
 * 96 bytes stands as its SHA-256. The braces are a hash tag, so that all keys of a subject are in one slot of a Cluster.
 *
 * @param owner The package whose state this is: `'rate-limit'`
 * @param name The instance in it: the name of a limiter, of a cache
 * @param subject Whose state this is: a user id, a client address
 */
export function subjectKey(owner: string, name: string, subject: string): string {
  return `${escaped(owner)}:${escaped(name)}:{${escaped(subject)}}`
}

/** A key as it reaches Redis: text, also of a number, in UTF-8, which makes one character of any half of a surrogate pair. */
export function sentAs(key: unknown): string {
  return String(key).toWellFormed()
}

/** Where an operation that declares `value` keeps the value beside the state of `key`. */
export function valueKey(key: string): string {
  return `${key}:value`
}

/** @throws {OperationError} when the keys are not all in one slot by their hash tag */
export function assertOneSlot(operation: string, key: string, further: readonly string[]): void {
  if (further.length === 0) return
  const tag = hashTag(key)
  for (const other of further) {
    if (hashTag(other) === tag) continue
    throw new OperationError(
      `Operation ${operation} uses "${abridged(other)}" beside "${abridged(key)}", in another slot: its keys must share one {hash tag}`,
    )
  }
}

function escaped(text: string): string {
  if (text === '') return '%empty'
  if (PLAIN.test(text)) return text
  if (!text.isWellFormed()) return `%utf16-${digest(Buffer.from(text, 'utf16le'))}`
  if (Buffer.byteLength(text) > LONGEST_SUBJECT) return `%sha256-${digest(text)}`
  return text.replace(SPECIAL, (character) => `%${character.charCodeAt(0).toString(16).padStart(2, '0')}`)
}

const PLAIN = /^[\w.@/+=-]{1,96}$/
const SPECIAL = /[^!-$&-9;-z|~\u{80}-\u{10ffff}]/gu

function digest(bytes: string | Buffer): string {
  return createHash('sha256').update(bytes).digest('base64url')
}

/** What Redis Cluster hashes of a key: what is between the first `{` and the next `}`, if that is something. */
export function hashTag(key: string): string {
  const open = key.indexOf('{')
  const close = key.indexOf('}', open + 1)
  return open === -1 || close <= open + 1 ? key : key.slice(open + 1, close)
}
