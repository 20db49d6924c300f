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

/** For how many milliseconds it is still fresh; 0 where it is not. */
export function freshLeftMs({ storedAt, freshMs }: Entry, now: number): number {
  return Math.max(0, Math.min(storedAt + freshMs - now, freshMs))
}

/** The same of one that is served, fresh or stale; undefined where it is served at the most when its load fails. */
export function servedFreshMs(entry: Entry, now: number): number | undefined {
  const state = freshnessOf(entry, now)
  return state === 'fresh' || state === 'stale' ? freshLeftMs(entry, now) : undefined
}

/**
 * How long before its end a fresh entry is loaded again, in milliseconds, so that callers of a hot key never meet an expired one: the
 * sooner, the longer its load takes. By "Optimal Probabilistic Cache Stampede Prevention" (Vattani, Chierichetti, Lowenstein, 2015).
 *
 * @param beta How eager: 0 never, 1 as in the paper
 * @param random From above 0 to 1
 */
export function earlyMs({ loadMs }: Entry, beta: number, random: number): number {
  return beta === 0 ? 0 : -loadMs * beta * Math.log(random)
}
