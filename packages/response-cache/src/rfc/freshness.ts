import { parseDictionary } from 'structured-headers'
import { type Directives, directivesIn, msOf } from './cache-control.ts'
import { type Fields, joined } from './fields.ts'
import { httpDate } from './http-date.ts'

/** What a response says of being stored. */
export interface Control {
  readonly directives: Directives
  /** Whether they come from `CDN-Cache-Control`, which then counts alone: `Cache-Control` and `Expires` are not looked at. */
  readonly isTargeted: boolean
}

/** The directives that count for this cache: RFC 9213, section 2.2. */
export function controlOf(fields: Fields): Control {
  const targeted = targetedIn(joined(fields, 'cdn-cache-control'))
  if (targeted !== undefined) return { directives: targeted, isTargeted: true }
  return { directives: directivesIn(joined(fields, 'cache-control')), isTargeted: false }
}

/** A dictionary of RFC 9651; one that cannot be parsed or is empty is ignored whole. */
function targetedIn(field: string | undefined): Directives | undefined {
  if (field === undefined) return undefined
  const directives = new Map<string, string>()
  try {
    for (const [name, [value]] of parseDictionary(field)) {
      if (value === true) directives.set(name, '')
      else if (typeof value === 'number' || typeof value === 'string') directives.set(name, String(value))
      if (DELTAS.has(name) && !(typeof value === 'number' && Number.isInteger(value) && value >= 0)) return undefined
    }
  } catch {
    return undefined
  }
  return directives.size === 0 ? undefined : directives
}

const DELTAS = new Set(['max-age', 's-maxage', 'stale-while-revalidate', 'stale-if-error'])

/**
 * For how long a response is fresh by what it says itself, in milliseconds since it was made; undefined when it does not say. RFC 9111,
 * section 4.2.1, for a shared cache.
 */
export function explicitLifetime(fields: Fields, { directives, isTargeted }: Control, respondedAt: number): number | undefined {
  const said = msOf(directives, 's-maxage') ?? msOf(directives, 'max-age')
  if (said !== undefined || isTargeted) return said
  const lines = fields.get('expires')
  if (lines === undefined) return undefined
  const expires = lines.length === 1 ? httpDate(lines[0], respondedAt) : undefined
  if (expires === undefined) return 0
  return Math.max(0, expires - (httpDate(joined(fields, 'date'), respondedAt) ?? respondedAt))
}

/** How much of the time since it was last changed a response is taken to be fresh: what RFC 9111, section 4.2.2, calls typical. */
const SHARE = 0.1
const MOST_HEURISTIC_MS = 7 * 86_400_000
/** The statuses that are defined as heuristically cacheable: RFC 9110, section 15.1. */
const HEURISTIC = new Set([200, 203, 204, 206, 300, 301, 308, 404, 405, 410, 414, 501])

/** For how long a response is fresh that does not say: RFC 9111, section 4.2.2. */
export function heuristicLifetime(
  status: number,
  fields: Fields,
  { directives }: Control,
  respondedAt: number,
): number | undefined {
  if (!HEURISTIC.has(status) && !directives.has('public')) return undefined
  const modified = httpDate(joined(fields, 'last-modified'), respondedAt)
  if (modified === undefined) return undefined
  const date = httpDate(joined(fields, 'date'), respondedAt) ?? respondedAt
  return Math.min(MOST_HEURISTIC_MS, Math.max(0, Math.floor((date - modified) * SHARE)))
}
