import type { Budget } from './budget.ts'
import type { Entry } from './frame.ts'
import type { Moment } from './tag-clock.ts'

/** A value, and its tags. */
export interface Tagged {
  readonly value: unknown
  readonly tags: readonly string[]
}

/** What a loader has made, and the moment before it began. */
export interface Loaded extends Tagged, Moment {}

/** A value, as the loader gave it or as it was kept; or nobody loads it for the caller. */
export type Obtained =
  | ({ readonly from: 'loader' } & Tagged)
  | { readonly from: 'entry'; readonly entry: Entry }
  | { readonly from: 'failure'; readonly error: unknown }
  | { readonly from: 'nobody' }

/** One load: how to do it, and how to keep what comes of it. */
export interface Task {
  readonly key: string
  readonly leaseMs: number
  /** Whether to wait while another process loads. */
  readonly waits: boolean
  /** After how long nobody waits any more for a load, here or in another process; what it gives is kept all the same. Defaults to never. */
  readonly lateMs?: number
  /** Calls the loader. */
  load(moment: Moment): Promise<Loaded>
  /** Tells the loader that it is late, if it was called, and gives the error of those who have waited. */
  late(): Error
  /**
   * Keeps what it gave, if it can be kept. Otherwise it says what those who wait get: undefined, or that each loads for itself.
   *
   * @throws {AdapterError} when the adapter fails
   */
  keep(loaded: Loaded, token: string, budget: Budget): Promise<'kept' | 'undefined' | 'unshared'>
  /** Whether an entry will do. */
  suits(entry: Entry): boolean
  newBudget(): Budget
  /** Who loads has been decided. */
  decided?(): void
  /** The adapter has failed while a load was going on. */
  failed(error: unknown): void
}
