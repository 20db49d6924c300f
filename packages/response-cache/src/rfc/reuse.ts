import { type Directives, msOf } from './cache-control.ts'

/** What decides about a stored response: times in milliseconds. */
export interface Times {
  /** When it came, since the epoch. */
  readonly respondedAt: number
  /** How old it was then. */
  readonly ageMs: number
  /** For how long it is fresh, from when it was made. */
  readonly freshMs: number
  /** For how long after that it may be served while it is validated: `stale-while-revalidate`, RFC 5861, section 3. */
  readonly staleMs: number
  /** For how long after freshness it may be served when validating it fails: `stale-if-error`, RFC 5861, section 4. */
  readonly errorMs: number
  /** Whether it has to be validated whenever it is used: `no-cache`. */
  readonly alwaysValidate: boolean
  /** Whether it must not be served stale, whatever a request says: `must-revalidate`, RFC 9111, section 5.2.2.2. */
  readonly neverStale: boolean
}

/** What may be done with a stored response. `ttlMs`: for how long it is fresh yet; negative when it is not. */
export type Reuse =
  | { readonly state: 'fresh'; readonly ageMs: number; readonly ttlMs: number }
  | { readonly state: 'stale'; readonly ageMs: number; readonly ttlMs: number }
  | {
      readonly state: 'validate'
      /** Why: `fwd` of a `Cache-Status`. */
      readonly because: 'stale' | 'request'
      readonly ageMs: number
      readonly ttlMs: number
      /** Whether it may be served if validating it fails. */
      readonly ifError: boolean
    }

const NOTHING_SAID: Directives = new Map()

/**
 * Whether a stored response may be served: RFC 9111, section 4.2.
 *
 * @param request What the request's `Cache-Control` says; left out where clients have no say
 */
export function reuseOf(times: Times, now: number, request: Directives = NOTHING_SAID): Reuse {
  const { respondedAt, freshMs, staleMs, errorMs, alwaysValidate, neverStale } = times
  const ageMs = times.ageMs + Math.max(0, now - respondedAt)
  const ttlMs = freshMs - ageMs
  const ifError = !alwaysValidate && !neverStale && -ttlMs < errorMs
  const refuses = request.has('no-cache') || ageMs > (msOf(request, 'max-age') ?? Number.POSITIVE_INFINITY)
  if (ttlMs > 0 && !alwaysValidate) {
    const isEnough = !refuses && ttlMs >= (msOf(request, 'min-fresh') ?? 0)
    if (isEnough) return { state: 'fresh', ageMs, ttlMs }
    return { state: 'validate', because: 'request', ageMs, ttlMs, ifError: false }
  }
  const mayBeStale = !alwaysValidate && !neverStale && !refuses
  if (mayBeStale && (-ttlMs < staleMs || isTolerated(-ttlMs, request))) return { state: 'stale', ageMs, ttlMs }
  return { state: 'validate', because: 'stale', ageMs, ttlMs, ifError: ifError && !refuses }
}

function isTolerated(overMs: number, request: Directives): boolean {
  const value = request.get('max-stale')
  if (value === undefined) return false
  return value === '' || overMs <= (msOf(request, 'max-stale') ?? 0)
}
