/** Who decided: the adapter; this process alone; or, without looking, the failure policy. */
export type DecisionSource = 'adapter' | 'local' | 'open' | 'closed'

/** Whether a call may proceed, and what is left. */
export interface Decision {
  readonly allowed: boolean
  /** 0 when allowed; otherwise the same call passes in exactly so many milliseconds. `Infinity`: never. */
  readonly retryAfterMs: number
  /** The names of the policies that refused, in policy order. */
  readonly violated: readonly string[]
  /** What is left in each policy, in policy order; empty when the failure policy decided. */
  readonly policies: readonly PolicyDecision[]
  readonly source: DecisionSource
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
  readonly violated: boolean
}
