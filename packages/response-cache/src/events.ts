import { channel } from 'node:diagnostics_channel'
import type { Handling } from './cache-status.ts'

/** What subscribers of the diagnostics channel `holdfast.response-cache` get, for every request that the cache has a part in. */
export interface ResponseCacheEvent {
  /** The cache's name. */
  readonly name: string
  readonly key: string
  /** What was done with the request, as `Cache-Status` says it: RFC 9211. */
  readonly handling: Handling
}

/** What subscribers of the diagnostics channel `holdfast.response-cache.failure` get, when something fails that no client is told of. */
export interface ResponseCacheFailureEvent {
  readonly name: string
  readonly key: string
  /** `'adapter'`: a call of the adapter; `'refresh'`: the handlers, in the background. */
  readonly call: 'adapter' | 'refresh'
  readonly error: unknown
}

const handled = channel('holdfast.response-cache')
const failures = channel('holdfast.response-cache.failure')

export function announce(name: string, key: string, handling: Handling): void {
  if (handled.hasSubscribers) handled.publish({ name, key, handling } satisfies ResponseCacheEvent)
}

export function announceFailure(event: ResponseCacheFailureEvent): void {
  if (failures.hasSubscribers) failures.publish(event)
}
