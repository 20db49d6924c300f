import { channel } from 'node:diagnostics_channel'

/** What subscribers of the diagnostics channel `holdfast.cache` get, for every key that is asked for. */
export interface CacheEvent {
  /** The cache's name. */
  readonly name: string
  readonly key: string
  /**
   * `'near'`, `'hit'` or `'stale'`: a value that was kept; `'miss'`: it was loaded, here or in another process; `'bypass'`: the adapter
   * failed, and the loader ran alone.
   */
  readonly outcome: 'near' | 'hit' | 'stale' | 'miss' | 'bypass'
}

/** What subscribers of the diagnostics channel `holdfast.cache.failure` get, when something fails that no caller is told of. */
export interface CacheFailureEvent {
  readonly name: string
  readonly key: string
  /**
   * `'adapter'`: a call of the adapter; `'refresh'`: a loader in the background, or one in whose place a stale value was given;
   * `'encode'` or `'decode'`: the codec.
   */
  readonly call: 'adapter' | 'refresh' | 'encode' | 'decode'
  readonly error: unknown
}

const outcomes = channel('holdfast.cache')
const failures = channel('holdfast.cache.failure')

export function announce(name: string, key: string, outcome: CacheEvent['outcome']): void {
  if (outcomes.hasSubscribers) outcomes.publish({ name, key, outcome } satisfies CacheEvent)
}

export function announceFailure(event: CacheFailureEvent): void {
  if (failures.hasSubscribers) failures.publish(event)
}
