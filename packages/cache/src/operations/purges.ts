/** The logical clock of one adapter prefix: it counts the tags that were purged, and knows the last of them. */
export interface Purges {
  /** Random: what was stored by another clock, before this one was lost, is not valid by it. */
  readonly epoch: string
  clock: number
  /** Purges up to this one have been forgotten. */
  floor: number
  /** The tag of each purge since. */
  readonly tags: Map<number, string>
}

/** How many purges are remembered: what was stored before them counts as purged, if it has tags or not. */
export const MOST_PURGES = 50_000

/** A clock without a purge for so long starts again, and everything is loaded once more. */
export const CLOCK_TTL_MS: number = 366 * 86_400_000

/** The clock as values keep it, and as every look at a value asks for it. */
export function shownClock({ epoch, clock }: { readonly epoch: string; readonly clock: number }): string {
  return `${epoch}:${clock}`
}
