import { type Fields, fieldsOf, joined, tokensIn } from './fields.ts'

/** Fields of one connection: RFC 9110, section 7.6.1, and RFC 9111, section 3.1. */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** Fields that are about one request, or that the cache makes itself. */
const OWN = new Set(['age', 'cache-status'])
/** The quota of one client: `RateLimit`, and by older names `RateLimit-Remaining`, `X-RateLimit-Remaining`, `X-Rate-Limit-Remaining`. */
const QUOTA = /^(?:x-)?rate-?limit(?:-|$)/

/**
 * The fields of a response that are stored, names and values in turn.
 *
 * @param dropped Further ones that are not, in lower case
 */
export function storedHeaders(raw: readonly string[], fields: Fields, dropped: ReadonlySet<string>): string[] {
  const listed = new Set(tokensIn(fields, 'connection'))
  const kept: string[] = []
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const [name = '', value = ''] = [raw[at], raw[at + 1]]
    const key = name.toLowerCase()
    if (HOP_BY_HOP.has(key) || OWN.has(key) || QUOTA.test(key) || listed.has(key) || dropped.has(key)) continue
    kept.push(name, value)
  }
  return kept
}

/** Fields that describe the stored body, which a 304 does not change: RFC 9111, section 3.2. */
const OF_BODY = new Set(['content-encoding', 'content-length', 'content-range', 'content-type'])

/** Stored fields, with those that a 304 has sent in their places: RFC 9111, section 4.3.4. */
export function merged(stored: readonly string[], update: readonly string[]): string[] {
  const fresh = new Set<string>()
  const changed: string[] = []
  for (let at = 0; at + 1 < update.length; at += 2) {
    const [name = '', value = ''] = [update[at], update[at + 1]]
    const key = name.toLowerCase()
    if (OF_BODY.has(key) || key === 'vary') continue
    fresh.add(key)
    changed.push(name, value)
  }
  const kept: string[] = []
  for (let at = 0; at + 1 < stored.length; at += 2) {
    const [name = '', value = ''] = [stored[at], stored[at + 1]]
    if (!fresh.has(name.toLowerCase()) && name.toLowerCase() !== 'vary') kept.push(name, value)
  }
  return [...kept, ...changed, ...varyOf(stored, update)]
}

/** By what either says: what codes bodies names `Accept-Encoding` where there is one, and a 304 has none. */
function varyOf(stored: readonly string[], update: readonly string[]): string[] {
  const names = new Map<string, string>()
  for (const raw of [stored, update]) {
    const line = joined(fieldsOf(raw), 'vary') ?? ''
    for (const name of line.split(',').map((each) => each.trim())) {
      if (name !== '' && !names.has(name.toLowerCase())) names.set(name.toLowerCase(), name)
    }
  }
  return names.size === 0 ? [] : ['Vary', [...names.values()].join(', ')]
}
