import { type AdapterError, isAdapterError } from '@holdfast/adapter'
import { type Budget, createBudget } from './budget.ts'
import { useTags } from './context.ts'
import type { Entries, Looked } from './entries.ts'
import { announce, announceFailure } from './events.ts'
import type { Entry } from './frame.ts'
import { earlyMs, type Freshness, freshLeftMs, freshnessOf } from './freshness.ts'
import type { Asked, Near } from './near.ts'
import type { CacheSettings } from './options.ts'
import type { Obtained, Tagged } from './task.ts'

/** One look at a key, shared by those who asked before it was sent; and the load that it leads to. */
export interface Flight {
  /** What was found, or why the adapter could not say. */
  readonly looked: Looked | AdapterError
  readonly budget: Budget
  obtained?: Promise<Obtained>
}

/** What is there without loading. */
export interface Reader {
  /** The value of a copy in this process, if it may be served. */
  near(key: string): Tagged | undefined
  look(key: string): Promise<Flight>
  lookAll(keys: readonly string[]): Promise<Flight[]>
  /** What a look has found: a value to serve, fresh or stale; or one to serve if its load fails. */
  found(key: string, flight: Flight): Found | undefined
  /** What is in an entry; undefined when it cannot be read. */
  valueIn(key: string, entry: Entry): Tagged | undefined
}

export interface Found extends Tagged {
  readonly state: Exclude<Freshness, 'expired'>
}

export function createReader(
  { adapter, name, codec, timeoutMs, earlyRefresh }: CacheSettings,
  entries: Entries,
  near?: Near,
): Reader {
  const unsent = new Map<string, Promise<Flight>>()

  async function lookAll(keys: readonly string[]): Promise<Flight[]> {
    const budget = createBudget(timeoutMs)
    const asked = keys.map((key) => ({ key, asked: near?.ask(key) }))
    try {
      const all = await entries.look(keys, budget)
      for (const [index, each] of asked.entries()) {
        const entry = all[index]?.entry
        if (each.asked !== undefined && entry !== undefined) copy(each.key, each.asked, entry)
      }
      return all.map((looked) => ({ looked, budget }))
    } catch (error) {
      if (!isAdapterError(error)) throw error
      return keys.map(() => ({ looked: error, budget }))
    } finally {
      for (const each of asked) if (each.asked !== undefined) near?.answered(each.key, each.asked)
    }
  }

  async function lookOnce(key: string): Promise<Flight> {
    await Promise.resolve() // who asks in this turn of the loop asks with this look
    unsent.delete(key)
    const [flight] = await lookAll([key])
    if (flight === undefined) throw new Error('A look at one key has one result')
    return flight
  }

  function copy(key: string, asked: Asked, entry: Entry): void {
    const leftMs = freshLeftMs(entry, adapter.now()) - earlyMsOf(entry)
    if (leftMs <= 0) return
    try {
      near?.keep(key, asked, entry, leftMs)
    } catch (error) {
      announceFailure({ name, key, call: 'decode', error })
    }
  }

  function valueIn(key: string, entry: Entry): Tagged | undefined {
    try {
      return near?.valueOf(key, entry) ?? { value: codec.decode(entry.body), tags: entry.tags }
    } catch (error) {
      announceFailure({ name, key, call: 'decode', error })
      return undefined
    }
  }

  function freshness(entry: Entry): Freshness {
    const now = adapter.now()
    const state = freshnessOf(entry, now)
    return state === 'fresh' && entry.storedAt + entry.freshMs - now <= earlyMsOf(entry) ? 'stale' : state
  }

  function earlyMsOf(entry: Entry): number {
    return earlyMs(entry, earlyRefresh, 1 - Math.random())
  }

  return {
    near(key) {
      const found = near?.find(key)
      if (found === undefined) return undefined
      useTags(found.tags)
      announce(name, key, 'near')
      return found
    },

    look(key) {
      const shared = unsent.get(key)
      if (shared !== undefined) return shared
      const look = lookOnce(key)
      unsent.set(key, look)
      return look
    },

    lookAll,

    found(key, { looked }) {
      const entry = 'entry' in looked ? looked.entry : undefined
      const state = entry === undefined ? 'expired' : freshness(entry)
      const value = entry === undefined || state === 'expired' ? undefined : valueIn(key, entry)
      if (state === 'expired' || value === undefined) return undefined
      if (state !== 'stale-if-error') {
        useTags(value.tags)
        announce(name, key, state === 'fresh' ? 'hit' : 'stale')
      }
      return { value: value.value, tags: value.tags, state }
    },

    valueIn,
  }
}
