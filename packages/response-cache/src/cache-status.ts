import type { Refusal } from './rfc/storable.ts'

/** Why a request went on to the handlers: `fwd` of RFC 9211, section 2.2. */
export type Forward = 'uri-miss' | 'vary-miss' | 'stale' | 'request' | 'partial' | 'bypass' | 'method'

/** What this cache did with a request: RFC 9211, section 2. */
export interface Handling {
  readonly hit?: boolean
  readonly fwd?: Forward
  readonly fwdStatus?: number
  readonly stored?: boolean
  readonly collapsed?: boolean
  /** For how long the response is fresh yet, in milliseconds. */
  readonly ttlMs?: number
  readonly detail?: Refusal | 'adapter' | 'hit-for-miss' | 'stale-if-error'
}

export function cacheStatus(cache: string, { hit, fwd, fwdStatus, stored, collapsed, ttlMs, detail }: Handling): string {
  let text = cache
  if (hit) text += '; hit'
  if (fwd !== undefined) text += `; fwd=${fwd}`
  if (fwdStatus !== undefined) text += `; fwd-status=${fwdStatus}`
  if (ttlMs !== undefined) text += `; ttl=${Math.floor(ttlMs / 1_000)}`
  if (stored) text += '; stored'
  if (collapsed) text += '; collapsed'
  if (detail !== undefined) text += `; detail=${detail}`
  return text
}
