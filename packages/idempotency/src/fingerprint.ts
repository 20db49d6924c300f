import type { IncomingMessage } from 'node:http'
import { shown } from '@holdfast/adapter/options'
import { isRead, readBody } from './body.ts'
import { canonical, NestedTooDeepError } from './canonical.ts'
import { digest } from './digest.ts'

/** What a framework knows of a request. */
export interface RequestRules<Native> {
  request(native: Native): IncomingMessage
  /** What a parser has made of the body; undefined when none has. */
  body(native: Native): unknown
}

export type Fingerprint =
  | { readonly state: 'known'; readonly fingerprint: string }
  /** It cannot be taken, and the client is told so; or the client has left. */
  | { readonly state: 'too-large' | 'multipart' | 'too-deep' | 'aborted' }

/** Stands for a request that has no body. */
export function emptyFingerprint(query: string): Fingerprint {
  return known(query, 'none', '')
}

/**
 * Stands for a request's query and body: canonical JSON of one that was parsed, else its bytes, of which up to `maxBodyBytes` are read.
 *
 * @throws {TypeError} when the body was read, and nothing of it is where parsers leave it
 */
export async function fingerprintOf<Native>(
  native: Native,
  query: string,
  { request: requestOf, body }: RequestRules<Native>,
  maxBodyBytes: number,
): Promise<Fingerprint> {
  const request = requestOf(native)
  if (/^multipart\//i.test(request.headers['content-type'] ?? '')) return { state: 'multipart' }
  if (isRead(request)) return parsedFingerprint(query, body(native))
  const read = await readBody(request, maxBodyBytes)
  if (read.state !== 'read') return read
  return read.bytes.length === 0 ? known(query, 'none', '') : known(query, 'bytes', read.bytes)
}

/** The fingerprint that an app's own function gives. */
export function ownFingerprint(given: unknown): string {
  if (typeof given === 'string' || given instanceof Uint8Array) return digest('own\n', given)
  throw new TypeError(`fingerprint must return a string or bytes, got ${shown(given)}`)
}

function parsedFingerprint(query: string, body: unknown): Fingerprint {
  if (typeof body === 'string') return known(query, 'text', body)
  if (body instanceof Uint8Array) return known(query, 'bytes', body)
  if (body === undefined) {
    throw new TypeError(
      'The body was read before idempotency, and is not where parsers leave it: put idempotency first, or give it a fingerprint',
    )
  }
  try {
    return known(query, 'json', canonical(body))
  } catch (error) {
    if (error instanceof NestedTooDeepError) return { state: 'too-deep' }
    throw error
  }
}

function known(query: string, kind: string, body: string | Uint8Array): Fingerprint {
  return { state: 'known', fingerprint: digest(query, '\n', kind, '\n', body) }
}
