import { channel } from 'node:diagnostics_channel'

/** What subscribers of the diagnostics channel `holdfast.idempotency` get, for every key that comes. */
export interface IdempotencyEvent {
  /** The name that is part of every key. */
  readonly name: string
  /** As the client or the caller gave it. */
  readonly key: string
  /**
   * `'run'`: it ran; `'replay'`: its answer was given again; `'in-progress'`, `'mismatch'`, `'too-large'`, `'unreplayable'`: it was
   * refused; `'open'`: the adapter failed, and it ran unprotected; `'closed'`: the adapter failed, and it did not run.
   */
  readonly outcome: 'run' | 'replay' | 'in-progress' | 'mismatch' | 'too-large' | 'unreplayable' | 'open' | 'closed'
}

/** What subscribers of the diagnostics channel `holdfast.idempotency.failure` get. */
export interface IdempotencyFailureEvent {
  readonly name: string
  readonly key: string
  /**
   * `'begin'`, `'commit'`, `'cancel'`: a call of the adapter; after a commit that fails, a retry may run again. `'lost'`: a run ended
   * after it had lost its lease, and what it gave was not kept. `'encode'`, `'decode'`: the codec, or a stored answer.
   */
  readonly call: 'begin' | 'commit' | 'cancel' | 'lost' | 'encode' | 'decode'
  readonly error: unknown
}

const outcomes = channel('holdfast.idempotency')
const failures = channel('holdfast.idempotency.failure')

export function announce(name: string, key: string, outcome: IdempotencyEvent['outcome']): void {
  if (outcomes.hasSubscribers) outcomes.publish({ name, key, outcome } satisfies IdempotencyEvent)
}

export function announceFailure(event: IdempotencyFailureEvent): void {
  if (failures.hasSubscribers) failures.publish(event)
}
