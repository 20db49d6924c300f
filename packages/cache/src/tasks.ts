import { type Budget, createBudget } from './budget.ts'
import { loadingOf } from './context.ts'
import type { Entries } from './entries.ts'
import { LoadTimeoutError } from './errors.ts'
import { announceFailure } from './events.ts'
import { freshnessOf } from './freshness.ts'
import { type CacheSettings, checkedMs, checkedTags, type Lifetime } from './options.ts'
import type { Reader } from './reader.ts'
import type { Moment } from './tag-clock.ts'
import type { Loaded, Tagged, Task } from './task.ts'

/** What a loader gets. */
export interface LoadContext {
  /** The tags of the value: add to them. Those of the cached values that the loader uses are added by themselves. */
  readonly tags: Set<string>
  /** Sets how long this value is fresh, in milliseconds, in place of `ttlMs`. With 0 it is not stored. */
  ttl(ms: number): void
  /** Aborted when the load has taken `hardTimeoutMs`. */
  readonly signal: AbortSignal
  /** The value that is not fresh any more, if there is one. */
  readonly stale: unknown
}

export type Loader<Value> = (context: LoadContext) => Promise<Value> | Value

export interface TaskOptions {
  /** Whether to wait while another process loads. */
  readonly waits: boolean
  readonly stale: Tagged | undefined
  /** Who loads has been decided. */
  readonly decided?: () => void
}

export type TaskOf = (key: string, lifetime: Lifetime, loader: Loader<unknown>, options: TaskOptions) => Task

interface Parts {
  readonly entries: Entries
  readonly reader: Reader
}

/** Makes loads of what a cache's callers give: their loaders, and their options. */
export function createTasks(settings: CacheSettings, { entries, reader }: Parts): TaskOf {
  const { adapter, name, codec, jitter, timeoutMs } = settings

  function encoded(key: string, value: unknown): Uint8Array | undefined {
    try {
      return codec.encode(value)
    } catch (error) {
      announceFailure({ name, key, call: 'encode', error })
      return undefined
    }
  }

  return function taskOf(key, lifetime, loader, { waits, stale, decided }) {
    const { loadLeaseMs: leaseMs, hardTimeoutMs: lateMs } = lifetime
    let ttlMs: number | undefined
    let loadMs = 0
    const controller = new AbortController()

    function ttl(ms: number): void {
      ttlMs = checkedMs('ttl', ms, 0)
    }

    async function load({ epoch, clock }: Moment): Promise<Loaded> {
      const tags = new Set(lifetime.tags)
      const context = { tags, ttl, signal: controller.signal, stale: stale?.value }
      const begunAt = performance.now()
      try {
        const value = await loadingOf([entries.subjectOf(key)], tags, async () => loader(context))
        return { value, epoch, clock, tags: checkedTags(tags) }
      } finally {
        loadMs = performance.now() - begunAt
      }
    }

    function late(): LoadTimeoutError {
      const error = new LoadTimeoutError(name, key, lateMs ?? Number.POSITIVE_INFINITY)
      controller.abort(error)
      return error
    }

    async function keep({ value, ...moment }: Loaded, token: string, budget: Budget): Promise<'kept' | 'undefined' | 'unshared'> {
      if (value === undefined) return 'undefined'
      const body = encoded(key, value)
      const times = timesOf(value, lifetime, jitter, ttlMs)
      if (body === undefined || times.freshMs === 0) return 'unshared'
      // No copy of it is kept: a purge may have been heard of while it was loaded. The next look has one.
      await entries.keep(key, token, { ...moment, ...times, storedAt: adapter.now(), loadMs, body }, budget)
      return 'kept'
    }

    return {
      key,
      leaseMs,
      waits,
      ...(lateMs !== undefined && { lateMs }),
      load,
      late,
      keep,
      ...(decided && { decided }),
      newBudget: () => createBudget(timeoutMs),
      suits: (entry) => freshnessOf(entry, adapter.now()) === 'fresh' && reader.valueIn(key, entry) !== undefined,
      failed: (error) => announceFailure({ name, key, call: 'adapter', error }),
    }
  }
}

/** How long a value is fresh, and how long it may be served after that. */
export function timesOf(
  value: unknown,
  { ttlMs, negativeTtlMs = ttlMs, staleWhileRevalidateMs: staleMs, staleIfErrorMs: errorMs }: Lifetime,
  jitter: number,
  given?: number,
): { freshMs: number; staleMs: number; errorMs: number } {
  const wholeMs = given ?? (value === null ? negativeTtlMs : ttlMs)
  return { freshMs: Math.ceil(wholeMs * (1 - jitter * Math.random())), staleMs, errorMs }
}
