import type { Adapter } from '@holdfast/adapter'
import {
  checkedAdapter,
  checkedFlag,
  checkedOneOf,
  checkedString,
  checkedWhole,
  checkKnown,
  shown,
} from '@holdfast/adapter/options'
import { type Codec, guarded, structuredCodec } from './codec.ts'

/** How long values live, and how long loads may take: for a cache, and for one call. All in whole milliseconds. */
export interface LifetimeOptions {
  /** How long a value is fresh. With 0, in a call, it is not stored. A call's defaults to the cache's, which has to be given. */
  readonly ttlMs?: number
  /** How long `null` is fresh. Defaults to `ttlMs`. */
  readonly negativeTtlMs?: number
  /** How long after freshness a value is served while it is loaded again in the background. Defaults to 0. */
  readonly staleWhileRevalidateMs?: number
  /** How long after freshness a value is served when its load fails, or takes too long. Defaults to 0. */
  readonly staleIfErrorMs?: number
  /** How long the lease of a load lasts, which is renewed while the loader runs: what a killed process costs. Defaults to 10,000. */
  readonly loadLeaseMs?: number
  /** After how long a stale value is given in place of the one that is being loaded. Defaults to never. */
  readonly softTimeoutMs?: number
  /** After how long the caller gets a `LoadTimeoutError`, and the loader's `signal` is aborted. Defaults to never. */
  readonly hardTimeoutMs?: number
}

export interface LoadOptions extends LifetimeOptions {
  /** Tags of the value, beside those that the loader adds. Defaults to none. */
  readonly tags?: readonly string[]
}

export interface GetOptions extends LoadOptions {
  /** Ends the caller's wait, with the signal's reason; a load that is going on goes on, and what it gives is kept. */
  readonly signal?: AbortSignal | undefined
}

export interface NearOptions {
  /** How many bytes are kept in this process. Defaults to 64 MiB. */
  readonly maxBytes?: number
  /** How long a copy is served at the most, by which it is wrong at the most while messages are lost. Defaults to 10,000. */
  readonly ttlMs?: number
  /** Whether each hit is checked with the adapter: exact at any time, and it spares the decoding. Defaults to false. */
  readonly strict?: boolean
}

export interface CacheOptions extends LifetimeOptions {
  /** Where the values are kept. */
  readonly adapter: Adapter
  /** The cache's name, part of every key: caches of one name share their values. Defaults to `'default'`. */
  readonly name?: string
  readonly ttlMs: number
  /** By which part of it the time of freshness is shortened at the most, at random: 0.1 is a tenth. Defaults to 0. */
  readonly jitter?: number
  /** How eagerly hot keys are loaded again before their end, by how long they take to load (XFetch): 1 as in the paper. Defaults to 0. */
  readonly earlyRefresh?: number
  /** How long the calls of the adapter may take in one call of the cache, all together. Defaults to 200. */
  readonly timeoutMs?: number
  /** A copy in front, in this process. Defaults to none. */
  readonly near?: NearOptions
  /** How values become bytes. Defaults to Node's structured clone. */
  readonly codec?: Codec
  /** While the adapter fails: the loader runs, once per process and key, and nothing is kept; or the call rejects. Defaults to `'open'`. */
  readonly failure?: 'open' | 'closed'
}

/** Options of a call, with those of the cache where it has none. */
export interface Lifetime {
  readonly ttlMs: number
  readonly negativeTtlMs: number | undefined
  readonly staleWhileRevalidateMs: number
  readonly staleIfErrorMs: number
  readonly loadLeaseMs: number
  readonly softTimeoutMs: number | undefined
  readonly hardTimeoutMs: number | undefined
  readonly tags: readonly string[]
}

export interface CacheSettings {
  readonly adapter: Adapter
  readonly name: string
  readonly lifetime: Lifetime
  readonly jitter: number
  readonly earlyRefresh: number
  readonly timeoutMs: number
  readonly near: Required<NearOptions> | undefined
  readonly codec: Codec
  readonly failure: 'open' | 'closed'
}

const CACHE_OPTIONS = ['adapter', 'name', 'jitter', 'earlyRefresh', 'timeoutMs', 'near', 'codec', 'failure']
const LEAST_MS = {
  ttlMs: 0,
  negativeTtlMs: 0,
  staleWhileRevalidateMs: 0,
  staleIfErrorMs: 0,
  loadLeaseMs: 1,
  softTimeoutMs: 0,
  hardTimeoutMs: 1,
} as const
const LIFETIMES = Object.keys(LEAST_MS) as (keyof typeof LEAST_MS)[] // those, and no other
/** A timer takes no more, and nobody waits so long. */
const MOST_MS = 366 * 86_400_000

/** @throws {TypeError | RangeError} when an option is missing, unknown or out of range */
export function checkedOptions(options: CacheOptions): CacheSettings {
  checkKnown('createCache', options, [...CACHE_OPTIONS, ...LIFETIMES])
  const { adapter, name = 'default', jitter = 0, earlyRefresh = 0, timeoutMs = 200, near, failure = 'open' } = options
  const { codec = structuredCodec } = options
  checkedAdapter(adapter)
  checkedString('name', name)
  if (typeof codec.encode !== 'function' || typeof codec.decode !== 'function')
    throw new TypeError('codec must have encode and decode')
  checkedMs('ttlMs', options.ttlMs, 1)
  checkLifetime(options)
  return {
    adapter,
    name,
    lifetime: {
      ttlMs: options.ttlMs,
      negativeTtlMs: options.negativeTtlMs,
      staleWhileRevalidateMs: options.staleWhileRevalidateMs ?? 0,
      staleIfErrorMs: options.staleIfErrorMs ?? 0,
      loadLeaseMs: options.loadLeaseMs ?? 10_000,
      softTimeoutMs: options.softTimeoutMs,
      hardTimeoutMs: options.hardTimeoutMs,
      tags: [],
    },
    jitter: checkedNumber('jitter', jitter, 1),
    earlyRefresh: checkedNumber('earlyRefresh', earlyRefresh, Number.MAX_SAFE_INTEGER),
    timeoutMs: checkedMs('timeoutMs', timeoutMs, 1),
    near: near === undefined ? undefined : checkedNear(near),
    codec: guarded(codec),
    failure: checkedOneOf('failure', failure, ['open', 'closed']),
  }
}

/** @throws {TypeError | RangeError} when an option is unknown or out of range */
export function checkedNear(near: NearOptions): Required<NearOptions> {
  checkKnown('near', near, ['maxBytes', 'ttlMs', 'strict'])
  const { maxBytes = 64 * 2 ** 20, ttlMs = 10_000, strict = false } = near
  return {
    maxBytes: checkedWhole('near.maxBytes', maxBytes, 1),
    ttlMs: checkedMs('near.ttlMs', ttlMs, 1),
    strict: checkedFlag('near.strict', strict),
  }
}

/** The options of a call over those of the cache. */
export function lifetimeOf(defaults: Lifetime, options: LoadOptions | undefined): Lifetime {
  if (options === undefined) return defaults
  checkKnown('a call', options, [...LIFETIMES, 'tags'])
  checkLifetime(options)
  return { ...defaults, ...given(options), tags: checkedTags(options.tags ?? []) }
}

/** What is undefined is as good as left out. */
function given(options: LifetimeOptions): LifetimeOptions {
  const times: { -readonly [Name in keyof LifetimeOptions]: LifetimeOptions[Name] } = {}
  for (const name of LIFETIMES) {
    const value = options[name]
    if (value !== undefined) times[name] = value
  }
  return times
}

function checkLifetime(options: LifetimeOptions): void {
  for (const name of LIFETIMES) {
    const value = options[name]
    if (value !== undefined) checkedMs(name, value, LEAST_MS[name])
  }
}

/** @throws {TypeError | RangeError} when they are not strings of 1 to 1,024 characters without a NUL */
export function checkedTags(tags: Iterable<string>): string[] {
  if (typeof tags === 'string' || typeof tags?.[Symbol.iterator] !== 'function') {
    throw new TypeError(`tags must be a list of strings, got ${shown(tags)}`)
  }
  const list = [...tags]
  for (const tag of list) {
    checkedString('A tag', tag)
    if (tag === '' || tag.length > LONGEST_TAG || tag.includes('\0') || !tag.isWellFormed()) {
      throw new RangeError(`A tag must have 1 to ${LONGEST_TAG} characters, none of them NUL, got ${shown(tag.slice(0, 80))}`)
    }
  }
  return list
}

const LONGEST_TAG = 1_024

export function checkedMs(name: string, value: number, least: number): number {
  return checkedWhole(name, value, least, MOST_MS)
}

function checkedNumber(name: string, value: number, most: number): number {
  if (typeof value === 'number' && value >= 0 && value <= most) return value
  throw new RangeError(`${name} must be a number from 0 to ${most}, got ${shown(value)}`)
}
