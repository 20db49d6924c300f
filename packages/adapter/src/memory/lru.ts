import { LRUCache } from 'lru-cache'
import { checkedNow } from '../arguments.ts'
import { checkedWhole, checkKnown } from '../checks.ts'

export type LruOptions<Value> = Clock & (ByEntries | ByBytes<Value>)

interface Clock {
  /** The clock that entries end by, in milliseconds. Defaults to the monotonic one, which nobody can set. */
  readonly now?: () => number
}

interface ByEntries {
  /** How many entries are kept. */
  readonly maxEntries: number
  readonly maxBytes?: never
  readonly sizeOf?: never
}

interface ByBytes<Value> {
  /** How many bytes are kept: what `sizeOf` says, and for each entry its key and some 128 bytes more. */
  readonly maxBytes: number
  /** What a value takes, in whole bytes. */
  readonly sizeOf: (value: Value) => number
  readonly maxEntries?: number
}

/** Values in this process, each until its end. The least recently used make room. */
export interface Lru<Value> {
  /** The value under `key`, which counts as a use. */
  get(key: string): Value | undefined
  /** Whether there is a value under `key`; that is no use of it. */
  has(key: string): boolean
  /** For how long the value under `key` stays, if nothing drops it before: 0 when there is none. No use of it. */
  remainingMs(key: string): number
  /** Keeps `value` for `ttlMs`; with a `ttlMs` that is not above 0, or a value over `maxBytes`, nothing is kept under `key`. */
  set(key: string, value: Value, ttlMs: number): void
  delete(key: string): void
  clear(): void
  /** The keys of the values that have not ended; asking is no use of them. */
  keys(): Iterable<string>
  /** How many entries there are; some may be past their end, and go when they are asked for or make room. */
  readonly size: number
}

interface Entry<Value> {
  readonly value: Value
  readonly endsAt: number
}

/** What an entry takes beside its key and its value, roughly. */
const OVERHEAD_BYTES = 128

/**
 * Makes an LRU that is bounded by entries, by bytes, or by both. No timers.
 *
 * It gives back the values that it was given, not copies of them.
 *
 * @throws {TypeError | RangeError} when an option is missing, unknown or out of range
 */
export function createLru<Value>(options: LruOptions<Value>): Lru<Value> {
  checkKnown('createLru', options, ['maxEntries', 'maxBytes', 'sizeOf', 'now'])
  const { maxEntries, maxBytes, sizeOf, now = monotonic } = options
  checkedNow(now)
  if (maxEntries === undefined && maxBytes === undefined) throw new TypeError('maxEntries or maxBytes is missing')
  if (maxBytes !== undefined && typeof sizeOf !== 'function') throw new TypeError('sizeOf is missing: maxBytes needs it')
  const cache = new LRUCache<string, Entry<Value>>({
    max: maxEntries === undefined ? 0 : checkedWhole('maxEntries', maxEntries, 1),
    maxSize: maxBytes === undefined ? 0 : checkedWhole('maxBytes', maxBytes, 1),
    ...(sizeOf && { sizeCalculation: ({ value }, key) => sizeOf(value) + 2 * key.length + OVERHEAD_BYTES }),
  })

  function remainingMs(key: string): number {
    if (cache.size === 0) return 0
    const entry = cache.peek(key)
    return entry === undefined ? 0 : Math.max(0, entry.endsAt - now())
  }

  return {
    get(key) {
      const entry = cache.get(key)
      if (entry === undefined) return undefined
      if (entry.endsAt > now()) return entry.value
      cache.delete(key)
      return undefined
    },
    has: (key) => remainingMs(key) > 0,
    remainingMs,
    set(key, value, ttlMs) {
      if (ttlMs > 0) cache.set(key, { value, endsAt: now() + ttlMs })
      else cache.delete(key)
    },
    delete(key) {
      cache.delete(key)
    },
    clear() {
      cache.clear()
    },
    *keys() {
      const time = now()
      for (const [key, { endsAt }] of cache.entries()) if (endsAt > time) yield key
    },
    get size() {
      return cache.size
    },
  }
}

function monotonic(): number {
  return performance.now()
}
