import type { Arbitrary } from 'fast-check'

/** How the clock moves before a step. */
export type Move =
  | { readonly to: 'later'; readonly byMs: number }
  | { readonly to: 'earlier'; readonly byMs: number }
  /** To a moment ahead at which something may end, or a millisecond beside it. */
  | { readonly to: 'end'; readonly which: number; readonly byMs: number }

/** What a sequence has set so far. */
export interface Moments {
  /** When states end, by their `ttlMs`. */
  readonly ends: number[]
  /** When something inside a state may end: so long after a step as a number that the operation names. */
  readonly turns: number[]
}

export function movesOf(fc: typeof import('fast-check')): Arbitrary<Move> {
  return fc.oneof(
    { weight: 5, arbitrary: fc.record({ to: fc.constant('later'), byMs: fc.constantFrom(0, 0, 1) }) },
    { weight: 2, arbitrary: fc.record({ to: fc.constant('later'), byMs: fc.nat(2_000) }) },
    { weight: 4, arbitrary: fc.record({ to: fc.constant('end'), which: fc.nat(15), byMs: fc.constantFrom(-1, 0, 1) }) },
    { weight: 1, arbitrary: fc.record({ to: fc.constant('earlier'), byMs: fc.integer({ min: 1, max: 5_000 }) }) },
  )
}

/**
 * How far a move goes, from `now`.
 *
 * It never goes back before an end that is past: whether what ended is there again depends on when garbage is collected.
 */
export function distance(move: Move, now: number, { ends, turns }: Moments): number {
  if (move.to === 'later') return move.byMs
  if (move.to === 'earlier') return Math.max(-move.byMs, ...ends.filter((end) => end <= now).map((end) => end - now))
  const ahead = [...new Set([...ends, ...turns])].filter((moment) => moment > now).toSorted((a, b) => a - b)
  const moment = ahead[move.which % ahead.length]
  return moment === undefined ? 0 : Math.max(0, moment + move.byMs - now)
}

/** The whole numbers that are written in a text: of a script, of arguments, of a result. Some of them are durations. */
export function numbersIn(text: string): number[] {
  return [...new Set(text.match(/\b\d{1,9}\b/g) ?? [])].map(Number).filter((number) => number > 1)
}
