import { isAdapterError } from '@holdfast/adapter'
import { detached, useTags } from './context.ts'
import { LoadTimeoutError } from './errors.ts'
import { announce, announceFailure } from './events.ts'
import type { Loads } from './loads.ts'
import type { CacheSettings, Lifetime } from './options.ts'
import type { Flight, Reader } from './reader.ts'
import type { Obtained, Tagged, Task } from './task.ts'
import { within } from './timeouts.ts'

/** What becomes of a key that has to be loaded. */
export interface Loading {
  /** What a flight's load gives: one for all who share the flight. While the adapter fails, one for each process. */
  obtain(task: Task, flight: Flight): Promise<Obtained>
  /** Loads a stale value again, behind the back of whoever got it: in one process, once. */
  refresh(task: Task, flight: Flight): void
  /** The value that was obtained; or the stale value, if there is one, where that failed or takes too long. */
  conclude(task: Task, obtained: Promise<Obtained>, lifetime: Lifetime, stale: Tagged | undefined): Promise<unknown>
}

export function createLoading(
  { name, failure }: CacheSettings,
  { loads, reader }: { readonly loads: Loads; readonly reader: Reader },
): Loading {
  const withoutAdapter = new Map<string, Promise<Obtained>>()
  const refreshing = new Set<string>()

  async function bypass(task: Task, error: unknown): Promise<Obtained> {
    if (!isAdapterError(error)) throw error
    const { key } = task
    task.failed(error)
    if (failure === 'closed') throw error
    announce(name, key, 'bypass')
    const running = withoutAdapter.get(key)
    if (running !== undefined) {
      task.decided?.()
      return running
    }
    const obtained = loads.alone(task, { epoch: '', clock: 0 })
    withoutAdapter.set(key, obtained)
    return obtained.finally(() => withoutAdapter.delete(key))
  }

  async function load(task: Task, { looked, budget }: Flight): Promise<Obtained> {
    if (!('entry' in looked)) return bypass(task, looked)
    announce(name, task.key, 'miss')
    try {
      return await loads.obtain(task, looked, budget)
    } catch (error) {
      return await bypass(task, error)
    } finally {
      task.decided?.()
    }
  }

  /** The value, or why there is none. */
  function outcomeOf(key: string, obtained: Obtained): { readonly kept: Tagged } | { readonly error: unknown } {
    if (obtained.from === 'loader') return { kept: obtained }
    if (obtained.from === 'failure') return { error: obtained.error }
    const kept = obtained.from === 'entry' ? reader.valueIn(key, obtained.entry) : undefined
    return kept === undefined ? { error: new Error(`What another process has stored under "${key}" cannot be read`) } : { kept }
  }

  return {
    obtain(task, flight) {
      flight.obtained ??= load(task, flight)
      return flight.obtained
    },

    refresh(task, { looked, budget }) {
      const { key } = task
      if (!('entry' in looked) || refreshing.has(key)) return task.decided?.()
      refreshing.add(key)
      detached(() => loads.obtain(task, looked, budget))
        .then(
          (obtained) => {
            if (obtained.from === 'failure') announceFailure({ name, key, call: 'refresh', error: obtained.error })
          },
          (error: unknown) => task.failed(error),
        )
        .finally(() => {
          task.decided?.()
          refreshing.delete(key)
        })
    },

    async conclude({ key }, obtained, { softTimeoutMs, hardTimeoutMs = Number.POSITIVE_INFINITY }, stale) {
      const softMs = stale === undefined ? undefined : softTimeoutMs
      const waitMs = Math.min(softMs ?? Number.POSITIVE_INFINITY, hardTimeoutMs)
      const late = (): Obtained => ({ from: 'failure', error: new LoadTimeoutError(name, key, waitMs) })
      const outcome = outcomeOf(key, await within(obtained, waitMs, late))
      if (!('error' in outcome)) {
        useTags(outcome.kept.tags)
        return outcome.kept.value
      }
      if (stale === undefined) throw outcome.error
      announceFailure({ name, key, call: 'refresh', error: outcome.error })
      useTags(stale.tags)
      return stale.value
    },
  }
}
