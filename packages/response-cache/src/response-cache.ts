import { checkedTags } from '@holdfast/cache/engine'
import { createEngine, type Engine } from './engine.ts'
import { type ExplainRequest, type Explanation, explain } from './explain.ts'
import type { ResponseCacheOptions } from './options.ts'

/** The stored responses, outside of a request. */
export interface ResponseCache {
  readonly name: string

  /**
   * Drops every response that has one of these tags, and every value that has in a cache of `@holdfast/cache` on this adapter, in every
   * process: nothing is served afterwards that was made before.
   *
   * @throws {AdapterError} when the adapter fails
   * @throws {TypeError | RangeError} when a tag is none
   */
  invalidateTags(tags: readonly string[]): Promise<void>

  /**
   * Drops every response to this URL, whatever request fields they depend on. A response that is being made does not come back.
   *
   * @param url With its host, as clients ask for it: `https://shop.example/catalog?page=2`
   * @throws {AdapterError} when the adapter fails
   * @throws {TypeError} when it is not absolute
   */
  invalidateUrl(url: string): Promise<void>

  /**
   * Drops everything. One command.
   *
   * @throws {AdapterError} when the adapter fails
   */
  clear(): Promise<void>

  /**
   * What is stored for a request, and why it is not served, or not stored.
   *
   * @throws {AdapterError} when the adapter fails
   * @throws {TypeError} when its URL is not absolute
   */
  explain(request: ExplainRequest): Promise<Explanation>
}

/** One for all copies of this package. */
const ENGINE = Symbol.for('holdfast.response-cache.engine')

/**
 * Makes the cache that middlewares of the same name on the same adapter store in, or that they are given as `cache`.
 *
 * @throws {TypeError | RangeError} when an option is missing, unknown or out of range
 */
export function createResponseCache(options: ResponseCacheOptions): ResponseCache {
  const engine = createEngine(options)
  const { name, entries, near, newBudget } = engine

  function keyOf(url: string): string {
    if (!/^https?:\/\//i.test(url)) throw new TypeError(`The URL must be absolute, as https://host/path, got ${url}`)
    return engine.keyOf(undefined, url)
  }

  async function purge(tags: readonly string[]): Promise<void> {
    await entries.purge(tags, newBudget())
    near?.purge(tags)
  }

  const cache: ResponseCache = {
    name,
    invalidateTags: async (tags) => purge(checkedTags(tags)),
    clear: () => purge([entries.tag]),

    async invalidateUrl(url) {
      const key = keyOf(url)
      near?.forget(key)
      await entries.drop(key, newBudget())
      near?.forget(key)
    },

    explain: async (request) => explain(engine, keyOf(request.url), request),
  }
  Object.defineProperty(cache, ENGINE, { value: engine })
  return cache
}

/** @throws {TypeError} when it was not made by `createResponseCache` */
export function engineOf(cache: ResponseCache): Engine {
  const engine: unknown = typeof cache === 'object' && cache !== null ? Reflect.get(cache, ENGINE) : undefined
  if (engine === undefined) throw new TypeError('cache must be made by createResponseCache')
  return engine as Engine // set above, and nowhere else
}
