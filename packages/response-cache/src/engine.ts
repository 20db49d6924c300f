import type { Adapter } from '@holdfast/adapter'
import { createLru } from '@holdfast/adapter/lru'
import {
  type Budget,
  createBudget,
  createEntries,
  createLoads,
  createNear,
  type Entries,
  type Loads,
  type Near,
} from '@holdfast/cache/engine'
import { createKeyOf, type KeyOf } from './key.ts'
import { checkedEngine, type ResponseCacheOptions } from './options.ts'
import type { Refusal } from './rfc/storable.ts'
import { decoded, type Stored } from './stored.ts'

/** What middlewares and the cache outside of a request have in common. */
export interface Engine {
  readonly adapter: Adapter
  readonly name: string
  readonly loadLeaseMs: number
  readonly entries: Entries
  readonly loads: Loads
  /** Copies of what is stored, in this process. */
  readonly near: Near | undefined
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
  const { adapter, name, query, timeoutMs, loadLeaseMs, near } = checkedEngine(options)
  const entries = createEntries(adapter, `responses:${name}`)
  const refusals = createLru<Refusal>({ maxBytes: REFUSALS_BYTES, sizeOf: () => 64, now: adapter.now })
  return {
    adapter,
    name,
    loadLeaseMs,
    entries,
    loads: createLoads(adapter, entries),
    near: near && createNear(adapter, near, { ...entries, decode: decodedOnce() }),
    keyOf: createKeyOf(query),
    newBudget: () => createBudget(timeoutMs),
    refusals: {
      get: (key) => refusals.get(key),
      set: (key, refusal) => refusals.set(key, refusal, REFUSED_MS),
      delete: (key) => refusals.delete(key),
    },
  }
}

/** What a copy holds is decoded once: nobody changes it. */
function decodedOnce(): (bytes: Uint8Array) => Stored | undefined {
  const known = new WeakMap<Uint8Array, Stored>()
  return (bytes) => {
    const before = known.get(bytes)
    if (before !== undefined) return before
    const stored = decoded(bytes)
    if (stored !== undefined) known.set(bytes, stored)
    return stored
  }
}
