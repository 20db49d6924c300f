import type { Adapter } from '@holdfast/adapter'
import { createLru } from '@holdfast/adapter/lru'
import { type Budget, createBudget, createEntries, createLoads, type Entries, type Loads } from '@holdfast/cache/engine'
import { createKeyOf, type KeyOf } from './key.ts'
import { checkedEngine, type ResponseCacheOptions } from './options.ts'
import type { Refusal } from './rfc/storable.ts'

/** What middlewares and the cache outside of a request have in common. */
export interface Engine {
  readonly adapter: Adapter
  readonly name: string
  readonly loadLeaseMs: number
  readonly entries: Entries
  readonly loads: Loads
  readonly keyOf: KeyOf
  newBudget(): Budget
  /** Why the last response to a key was not stored, in this process. */
  readonly refusals: {
    get(key: string): Refusal | undefined
    set(key: string, refusal: Refusal): void
    delete(key: string): void
  }
}

const REFUSALS_BYTES = 2 ** 20
const REFUSED_MS = 3_600_000

/** @throws {TypeError | RangeError} when an option is missing, unknown or out of range */
export function createEngine(options: ResponseCacheOptions): Engine {
  const { adapter, name, query, timeoutMs, loadLeaseMs } = checkedEngine(options)
  const entries = createEntries(adapter, `responses:${name}`)
  const refusals = createLru<Refusal>({ maxBytes: REFUSALS_BYTES, sizeOf: () => 64, now: adapter.now })
  return {
    adapter,
    name,
    loadLeaseMs,
    entries,
    loads: createLoads(adapter, entries),
    keyOf: createKeyOf(query),
    newBudget: () => createBudget(timeoutMs),
    refusals: {
      get: (key) => refusals.get(key),
      set: (key, refusal) => refusals.set(key, refusal, REFUSED_MS),
      delete: (key) => refusals.delete(key),
    },
  }
}
