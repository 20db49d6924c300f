import type { ServerResponse } from 'node:http'
import { checkedWhole, checkKnown } from '@holdfast/adapter/options'
import { checkedTags } from '@holdfast/cache/engine'

/** What a handler says of its response, by `cacheFor` and `noCache`. */
export interface CacheForOptions {
  /**
   * For how long the response is fresh, in milliseconds. Defaults to what its own headers say, or the middleware's `ttlMs`. A 5xx is
   * fresh only as its own headers say.
   */
  readonly ttlMs?: number
  /** For how long after that it may be served while it is made anew. Defaults to what its own headers say, or the middleware's. */
  readonly staleWhileRevalidateMs?: number
  /** For how long after that it may be served when making it anew fails. Defaults to what its own headers say, or the middleware's. */
  readonly staleIfErrorMs?: number
  /** What `invalidateTags` drops it by. Defaults to none. */
  readonly tags?: readonly string[]
}

export interface Said extends CacheForOptions {
  readonly never?: boolean
}

const TIMES = ['ttlMs', 'staleWhileRevalidateMs', 'staleIfErrorMs']

/** One for all copies of this package. */
const KEY = Symbol.for('holdfast.response-cache')

/** @throws {TypeError | RangeError} when an option is unknown or out of range */
export function sayCacheFor(response: ServerResponse, options: CacheForOptions): void {
  checkKnown('cacheFor', options, [...TIMES, 'tags'])
  const given = Object.entries(options).filter(([, value]) => value !== undefined)
  const { tags = [], ...times } = Object.fromEntries(given) as Record<string, unknown> & Pick<CacheForOptions, 'tags'>
  for (const [name, value] of Object.entries(times)) checkedWhole(name, value, 0)
  const before = saidOf(response)
  Reflect.set(response, KEY, { ...before, ...times, tags: [...(before?.tags ?? []), ...checkedTags(tags)] })
}

export function sayNoCache(response: ServerResponse): void {
  Reflect.set(response, KEY, { ...saidOf(response), never: true })
}

export function saidOf(response: ServerResponse): Said | undefined {
  return Reflect.get(response, KEY) as Said | undefined // set above, and nowhere else
}
