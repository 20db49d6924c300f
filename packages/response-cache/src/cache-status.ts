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
  const ttl = ttlMs === undefined ? '' : `; ttl=${Math.floor(ttlMs / 1_000)}`
  if (hit) return `${cache}; hit${ttl}${collapsed ? '; collapsed' : ''}`
  const forwarded = `${fwd === undefined ? '' : `; fwd=${fwd}`}${fwdStatus === undefined ? '' : `; fwd-status=${fwdStatus}`}`
  const outcome = `${stored ? '; stored' : ''}${collapsed ? '; collapsed' : ''}${detail === undefined ? '' : `; detail=${detail}`}`
  return `${cache}${forwarded}${ttl}${outcome}`
}
