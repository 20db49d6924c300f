import type { Entry } from './frame.ts'

/**
 * What may be done with an entry: serve it; serve it and load it again; serve it if the load fails; or nothing.
 *
 * The stale periods both begin where freshness ends.
 */
export type Freshness = 'fresh' | 'stale' | 'stale-if-error' | 'expired'

/** Where the clock has stepped back behind the moment of storing, the entry counts as just stored. */
export function freshnessOf({ storedAt, freshMs, staleMs, errorMs }: Entry, now: number): Freshness {
  const ageMs = Math.max(0, now - storedAt)
  if (ageMs < freshMs) return 'fresh'
  if (ageMs < freshMs + staleMs) return 'stale'
  return ageMs < freshMs + errorMs ? 'stale-if-error' : 'expired'
}

/**
 * Whether a fresh entry is loaded again before its end, so that callers of a hot key never meet an expired one: the sooner, the longer
 * its load takes. By "Optimal Probabilistic Cache Stampede Prevention" (Vattani, Chierichetti, Lowenstein, 2015).
 *
 * @param beta How eager: 0 never, 1 as in the paper
 * @param random From above 0 to 1
 */
export function isDueEarly({ storedAt, freshMs, loadMs }: Entry, now: number, beta: number, random: number): boolean {
  return beta > 0 && now - loadMs * beta * Math.log(random) >= storedAt + freshMs
}
