import type { Adapter } from '@holdfast/adapter'
import { type FakeClock, fakeClock } from '@holdfast/adapter/testing'
import type { MakeAdapter } from '@holdfast/test/adapters'
import { type Cache, type CacheOptions, createCache } from '../src/index.ts'

interface Stage {
  readonly clock: FakeClock
  readonly adapter: Adapter
  /** Two caches of one name on one adapter, as in two processes. */
  readonly cache: Cache
  readonly other: Cache
}

/** Makes caches for a test, under a clock of its own. */
export function stage(makeAdapter: MakeAdapter): (options?: Partial<CacheOptions>) => Stage {
  return (options = {}) => {
    const clock = fakeClock()
    const adapter = makeAdapter(clock.now)
    const all = { adapter, name: 'users', ttlMs: 60_000, timeoutMs: 2_000, ...options }
    return { clock, adapter, cache: createCache(all), other: createCache(all) }
  }
}

/** A loader that gives 1, 2, 3 and so on. */
export function counter(): { load: () => Promise<number>; count: () => number } {
  let count = 0
  return { load: async () => ++count, count: () => count }
}

export async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise(setImmediate)
}
