import type { Cost } from './cost.ts'

/** Who decided: the adapter; this process alone; or, without looking, the failure policy. */
export type DecisionSource = 'adapter' | 'local' | 'open' | 'closed'

/** Whether a call may proceed, and what is left. */
export interface Decision {
  readonly allowed: boolean
  /**
   * 0 when allowed; otherwise the same call passes in exactly so many milliseconds. `Infinity`: never. Where a concurrency policy
   * refused, at the latest then.
   */
  readonly retryAfterMs: number
  /** The names of the policies that refused, in policy order; none while blocked. Never a shadow policy. */
  readonly violated: readonly string[]
  /** Whether the key is blocked: refused, whatever is left. */
  readonly blocked: boolean
  /** What is left in each policy, in policy order; empty when the failure policy decided. */
  readonly policies: readonly PolicyDecision[]
  readonly source: DecisionSource
  /** What was charged, to change it afterwards; undefined when the call was refused or nothing was to be charged. */
  readonly receipt: Receipt | undefined
}

export interface PolicyDecision {
  readonly name: string
  readonly limit: number
  /** Units that are left. */
  readonly remaining: number
  /** Milliseconds until one more unit is available; 0 when nothing is used. */
  readonly nextMs: number
  /** Milliseconds until the quota is whole; 0 when nothing is used. */
  readonly fullMs: number
  /** Whether this policy refuses the call; a shadow policy, whether it would. */
  readonly violated: boolean
}

/**
 * What one call was charged. All of these tell whether it was done: false when it was too late, done already, or the adapter fails,
 * which the diagnostics channel tells of. They never reject for an adapter.
 */
export interface Receipt {
  /**
   * Gives back exactly this charge, once, and ends the lease of a concurrency policy. One round trip. Too late once the window of
   * the charge is over, or its token bucket has been full.
   */
  refund(): Promise<boolean>

  /**
   * Charges `cost` in place of what was charged: for a cost that is known only afterwards. It is charged whether it fits or not: what
   * is over the limit, later calls wait for. Concurrency policies keep what they have. One round trip, none when nothing changes.
   *
   * @param cost As for `consume`
   * @throws {TypeError | RangeError} when it is no cost
   */
  commit(cost: Cost): Promise<boolean>

  /** Ends the lease of a concurrency policy; nothing without one. One round trip. */
  release(): Promise<boolean>
}
