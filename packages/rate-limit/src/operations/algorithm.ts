import type { Policy } from '../policy.ts'

/** What is left of one policy's quota, and when there is more. */
export interface Quota {
  /** Units that are left. */
  readonly remaining: number
  /** Until one more unit is available; 0 when nothing is used. */
  readonly nextMs: number
  /** Until the quota is whole; 0 when nothing is used. */
  readonly fullMs: number
  /** The number of the last charge, where `at` alone does not find it again; else 0. */
  readonly mark: number
}

/** A charge to change, and by how much. */
export interface Settlement {
  /** When it was made. */
  readonly at: number
  readonly mark: number
  /** Who made it. */
  readonly token: string
  /** What is charged besides; below 0, what is given back. */
  readonly units: number
}

/** What the Lua of an algorithm consists of, in the order in which a step needs it. */
export type AlgorithmPart = 'open' | 'wait' | 'charge' | 'settle' | 'measure' | 'save'

/**
 * How one kind of policy counts, in TypeScript and in Lua.
 *
 * `lua` has the same as statements on a policy `p` (`limit`, `window`, `cost`, and as `own` the anchor of windows or the refill of a bucket;
 * for `settle`, `at` and `mark`), where `p` carries the state between them. They are statements as Redis makes functions anew for every call.
 * - `open` finds in `numbers` what `save` packed, or nil, and sets `ahead` where `isAhead` holds. `KEYS[rings + 1]` is its own key, where it
 *   has a ring; it counts `rings` up.
 * - `wait` sets `wait`, which is 0; `measure` sets `remaining`, and `next` and `full`, which are 0.
 * - `charge` and `settle` may use `token`, the caller's. `settle` sets `done`, which is false, where the charge still counts.
 * - `save` sets `lasts` and `numbers`, how long the state lasts and its numbers, packed, where it matters.
 *
 * `p.epoch` is the mark of a charge.
 */
export interface Algorithm<State> {
  /** The state as it counts at `now`: what has ended is gone, and what lies ahead of a clock that stepped back is clamped. */
  open(state: State | undefined, policy: Policy, now: number): State | undefined
  /** Until `cost` units are available: 0 when they are now, -1 when they never are. */
  wait(state: State | undefined, policy: Policy, cost: number, now: number): number
  measure(state: State | undefined, policy: Policy, now: number): Quota
  charge(state: State | undefined, policy: Policy, cost: number, now: number, token: string): State
  /** The state with a charge changed; null when nothing is left of it, undefined when the charge does not count any more. */
  settle(state: State | undefined, policy: Policy, settlement: Settlement, now: number): State | null | undefined
  /** Until the state no longer matters. */
  ttlMs(state: State, policy: Policy, now: number): number
  /** Whether `state` lies ahead of `now`, so that what `open` makes of it has to be kept. */
  isAhead(state: State, policy: Policy, now: number): boolean
  /** Whether it keeps something in a key of its own, beside the hash. */
  readonly hasRing?: true
  readonly lua: Readonly<Record<AlgorithmPart, string>>
}
