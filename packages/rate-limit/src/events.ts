import { channel } from 'node:diagnostics_channel'
import type { Decision } from './decision.ts'

/** What subscribers of the diagnostics channel `holdfast.rate-limit` get, for every decision. */
export interface RateLimitEvent {
  /** The limiter's name. */
  readonly name: string
  readonly key: string
  readonly decision: Decision
  /** Why the adapter did not decide, when it did not. */
  readonly error?: Error
}

/** What subscribers of the diagnostics channel `holdfast.rate-limit.failure` get, when what follows a decision fails. */
export interface RateLimitFailureEvent {
  readonly name: string
  readonly key: string
  /** What failed: a receipt's call, the renewal of a concurrency policy's lease, or an app's own `count`. */
  readonly call: 'refund' | 'commit' | 'release' | 'renew' | 'count'
  readonly error: unknown
}

const decisions = channel('holdfast.rate-limit')
const failures = channel('holdfast.rate-limit.failure')

export function announce(name: string, key: string, decision: Decision, error?: Error): Decision {
  if (decisions.hasSubscribers) decisions.publish({ name, key, decision, ...(error && { error }) } satisfies RateLimitEvent)
  return decision
}

export function announceFailure(failure: RateLimitFailureEvent): void {
  failures.publish(failure)
}
