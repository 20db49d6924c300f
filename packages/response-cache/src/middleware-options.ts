import { createEngine, type Engine } from './engine.ts'
import { checkAllKnown, checkedMiddleware, type MiddlewareOptions, type ResponseCacheOptions, type Settings } from './options.ts'
import { engineOf, type ResponseCache } from './response-cache.ts'

export interface GivenCache {
  /** A cache made elsewhere, in place of the options that make one. */
  readonly cache: ResponseCache
}

/** The options of a middleware, with those that make its cache, or with a cache. */
export type ResponseCacheMiddlewareOptions<Native, Target = Native> = MiddlewareOptions<Native, Target> &
  (ResponseCacheOptions | GivenCache)

/** @throws {TypeError | RangeError} when an option is missing, unknown or out of range */
export function settingsOf<Native, Target>(
  options: ResponseCacheMiddlewareOptions<Native, Target>,
): {
  readonly engine: Engine
  readonly settings: Settings<Native, Target>
} {
  checkAllKnown(options)
  const { engine, own } = parted(options)
  return { engine, settings: checkedMiddleware(own) }
}

function parted<Native, Target>(
  options: ResponseCacheMiddlewareOptions<Native, Target>,
): { engine: Engine; own: MiddlewareOptions<Native, Target> } {
  if ('cache' in options) {
    const { cache, ...own } = options
    return { engine: engineOf(cache), own }
  }
  const { adapter, name, query, timeoutMs, near, loadLeaseMs, ...own } = options
  return { engine: createEngine(given({ adapter, name, query, timeoutMs, near, loadLeaseMs })), own }
}

/** What is left out is not there. */
function given(
  options: { readonly [Name in keyof ResponseCacheOptions]: ResponseCacheOptions[Name] | undefined },
): ResponseCacheOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as unknown as ResponseCacheOptions // checked next
}
