import type { Arbitrary } from 'fast-check'

/** How the clock moves before a step. */
export type Move =
  | { readonly to: 'later'; readonly byMs: number }
  | { readonly to: 'earlier'; readonly byMs: number }
  /** To one of the ends that lie ahead, or a millisecond beside it. */
  | { readonly to: 'end'; readonly which: number; readonly byMs: number }

export function movesOf(fc: typeof import('fast-check')): Arbitrary<Move> {
  return fc.oneof(
    { weight: 5, arbitrary: fc.record({ to: fc.constant('later'), byMs: fc.constantFrom(0, 0, 1) }) },
    { weight: 2, arbitrary: fc.record({ to: fc.constant('later'), byMs: fc.nat(2_000) }) },
    { weight: 4, arbitrary: fc.record({ to: fc.constant('end'), which: fc.nat(7), byMs: fc.constantFrom(-1, 0, 1) }) },
    { weight: 1, arbitrary: fc.record({ to: fc.constant('earlier'), byMs: fc.integer({ min: 1, max: 5_000 }) }) },
  )
}

/** How far a move goes, from `now`, with the ends that were set so far. */
export function distance(move: Move, now: number, ends: readonly number[]): number {
  if (move.to === 'later') return move.byMs
  if (move.to === 'earlier') return -move.byMs
  const ahead = [...new Set(ends)].filter((end) => end > now).toSorted((a, b) => a - b)
  const end = ahead[move.which % ahead.length]
  return end === undefined ? 0 : Math.max(0, end + move.byMs - now)
}
