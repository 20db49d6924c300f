import type { Adapter } from '@holdfast/adapter'
import {
  checkedAdapter,
  checkedFlag,
  checkedOneOf,
  checkedString,
  checkedWhole,
  checkFunctions,
  checkKnown,
  shown,
} from '@holdfast/adapter/options'
import { checkedNear, type NearOptions } from '@holdfast/cache/engine'
import type { QueryOptions } from './key.ts'
import { TOKEN } from './rfc/fields.ts'

/** What the engine and the middleware have in common: they meet by `name` on one adapter. */
export interface ResponseCacheOptions {
  /** Where responses are stored. */
  readonly adapter: Adapter
  /** Whose responses these are: middlewares of one name share them. Defaults to `'http'`. */
  readonly name?: string
  /** How a query counts in a key. Defaults to as it was sent. */
  readonly query?: QueryOptions
  /** What all calls of the adapter for one request may take, in milliseconds. Defaults to 200. */
  readonly timeoutMs?: number
  /**
   * Copies in this process of what is stored, which are served without asking the adapter: `maxBytes` of them in all, 64 MiB, each for
   * `ttlMs` at the most, 10,000. Messages tell when one has to go; `strict` asks each time. Defaults to none, but for an adapter in
   * this process, where none can be wrong.
   */
  readonly near?: NearOptions
  /** How long a process that died while it made a response keeps others from making it, in milliseconds. Defaults to 10,000. */
  readonly loadLeaseMs?: number
}

/** `Native` is what the framework hands to its handlers: Express' `Request`, Koa's `Context`; `Target` what they answer by. */
export interface MiddlewareOptions<Native, Target> {
  /**
   * For how long a GET's 200 is fresh that does not say so itself, in milliseconds. Defaults to not at all: then only responses are
   * stored that say so, by their own headers or by `cacheFor`.
   */
  readonly ttlMs?: number
  /** For how long after that a response may be served while it is made anew, in milliseconds. Defaults to 0. */
  readonly staleWhileRevalidateMs?: number
  /** For how long after freshness a response may be served when making it anew fails, in milliseconds. Defaults to 0. */
  readonly staleIfErrorMs?: number
  /** Fields of the request that responses depend on, besides those that they name in `Vary`; they are added to it. Defaults to none. */
  readonly vary?: readonly string[]
  /** The key of a request, in place of its host and URL; what it reads of the request is in the key. `invalidateUrl` does not find it. */
  readonly key?: (native: Native) => string
  /** Tags of a response, besides those of `cacheFor` and of the cached values that it is made of. Defaults to none. */
  readonly tags?: (native: Native, target: Target) => Iterable<string>
  /** Which requests the cache leaves alone. Defaults to none. */
  readonly skip?: (native: Native) => boolean | Promise<boolean>
  /** Which requests are answered anew, and what comes of it stored. Defaults to none. */
  readonly bypass?: (native: Native) => boolean | Promise<boolean>
  /** Whether there is a cache at all. Defaults to true. */
  readonly enabled?: boolean
  /** The methods that are answered from the cache: of `'GET'` and `'HEAD'`. Defaults to both. */
  readonly methods?: readonly ('GET' | 'HEAD')[]
  /** The only statuses that are stored. Defaults to all but 429. */
  readonly statuses?: readonly number[]
  /** The largest body that is stored. Defaults to 1 MiB. */
  readonly maxBytes?: number
  /** How many responses of one URL a process keeps, by `Vary`; the oldest makes room. Defaults to 100. */
  readonly maxVariants?: number
  /**
   * `'app'`: for an app's own pages, clients have no say, and what may be one client's own is not stored. `'rfc'`: RFC 9111 to the
   * letter, for reverse proxies. Defaults to `'app'`.
   */
  readonly mode?: 'app' | 'rfc'
  /** The name by which `Cache-Status` says what the cache did; false sends none. Defaults to `'holdfast'`. */
  readonly cacheStatus?: string | false
  /** The fields in which a CDN in front is told a response's tags: `'Cache-Tag'`, `'Surrogate-Key'`. Defaults to none. */
  readonly tagHeaders?: readonly ('Cache-Tag' | 'Surrogate-Key')[]
  /** What happens while the adapter fails: `'open'`, as without a cache; `'closed'`, 503. Defaults to `'open'`. */
  readonly failure?: 'open' | 'closed'
}

export interface Settings<Native, Target> extends Required<Omit<MiddlewareOptions<Native, Target>, Optional>> {
  readonly ttlMs: number | undefined
  readonly key: ((native: Native) => string) | undefined
  readonly tags: ((native: Native, target: Target) => Iterable<string>) | undefined
  readonly skip: ((native: Native) => boolean | Promise<boolean>) | undefined
  readonly bypass: ((native: Native) => boolean | Promise<boolean>) | undefined
  readonly statuses: readonly number[] | undefined
}

type Optional = 'ttlMs' | 'key' | 'tags' | 'skip' | 'bypass' | 'statuses'

const MOST_MS = 366 * 86_400_000

/** @throws {TypeError | RangeError} when an option is unknown or out of range */
export function checkedMiddleware<Native, Target>(options: MiddlewareOptions<Native, Target>): Settings<Native, Target> {
  const { ttlMs, staleWhileRevalidateMs = 0, staleIfErrorMs = 0, vary = [], key, tags, skip, bypass, statuses } = options
  const { enabled = true, methods = METHODS, maxBytes = 2 ** 20, maxVariants = 100, mode = 'app', failure = 'open' } = options
  const { cacheStatus = 'holdfast', tagHeaders = [] } = options
  if (ttlMs !== undefined) checkedMs('ttlMs', ttlMs, 1)
  checkFunctions({ key, tags, skip, bypass })
  for (const [name, list] of Object.entries({ vary, methods, statuses, tagHeaders })) {
    if (list !== undefined && !Array.isArray(list)) throw new TypeError(`${name} must be a list, got ${shown(list)}`)
  }
  for (const method of methods) checkedOneOf('methods', method, METHODS)
  for (const name of vary) {
    if (!TOKEN.test(name)) throw new TypeError(`vary must have names of request fields, got ${shown(name)}`)
  }
  for (const status of statuses ?? []) {
    if (!Number.isInteger(status) || status < 200 || status > 599)
      throw new RangeError(`statuses must be from 200 to 599, got ${shown(status)}`)
  }
  for (const name of tagHeaders) checkedOneOf('tagHeaders', name, ['Cache-Tag', 'Surrogate-Key'])
  if (cacheStatus !== false && !(typeof cacheStatus === 'string' && TOKEN.test(cacheStatus))) {
    throw new TypeError(`cacheStatus must be a token, or false, got ${shown(cacheStatus)}`)
  }
  return {
    ttlMs,
    staleWhileRevalidateMs: checkedMs('staleWhileRevalidateMs', staleWhileRevalidateMs, 0),
    staleIfErrorMs: checkedMs('staleIfErrorMs', staleIfErrorMs, 0),
    vary: [...new Set(vary.map((name) => name.toLowerCase()))],
    key,
    tags,
    skip,
    bypass,
    enabled: checkedFlag('enabled', enabled),
    methods,
    statuses,
    maxBytes: checkedWhole('maxBytes', maxBytes, 0),
    maxVariants: checkedWhole('maxVariants', maxVariants, 1),
    mode: checkedOneOf('mode', mode, ['app', 'rfc']),
    cacheStatus,
    tagHeaders,
    failure: checkedOneOf('failure', failure, ['open', 'closed']),
  }
}

const METHODS = ['GET', 'HEAD'] as const
const ENGINE = ['adapter', 'name', 'query', 'timeoutMs', 'near', 'loadLeaseMs']
const MIDDLEWARE = [
  ...['ttlMs', 'staleWhileRevalidateMs', 'staleIfErrorMs', 'vary', 'key', 'tags', 'skip', 'bypass', 'enabled', 'methods'],
  ...['statuses', 'maxBytes', 'maxVariants', 'mode', 'cacheStatus', 'tagHeaders', 'failure'],
]

/** @throws {TypeError} when there is an option that nothing reads: it is misspelt, or of another library */
export function checkAllKnown(options: object): void {
  checkKnown('responseCache', options, 'cache' in Object(options) ? ['cache', ...MIDDLEWARE] : [...ENGINE, ...MIDDLEWARE])
}

/** Its messages come at once: a copy lasts as long as what it is a copy of. */
const IN_PROCESS: NearOptions = { ttlMs: 3_600_000 }

export interface EngineSettings extends Required<Omit<ResponseCacheOptions, 'near'>> {
  readonly near: Required<NearOptions> | undefined
}

/** @throws {TypeError | RangeError} when an option is missing, unknown or out of range */
export function checkedEngine(options: ResponseCacheOptions): EngineSettings {
  checkKnown('createResponseCache', options, ENGINE)
  const { adapter, name = 'http', query = {}, timeoutMs = 200, loadLeaseMs = 10_000, near } = options
  checkedAdapter(adapter)
  checkedString('name', name)
  checkKnown('query', query, ['sort', 'ignore'])
  if (query.ignore !== undefined && !Array.isArray(query.ignore)) throw new TypeError('query.ignore must be a list of names')
  const copies = near ?? (adapter.scope === 'process' ? IN_PROCESS : undefined)
  return {
    adapter,
    name,
    query,
    timeoutMs: checkedMs('timeoutMs', timeoutMs, 1),
    loadLeaseMs: checkedMs('loadLeaseMs', loadLeaseMs, 1),
    near: copies && checkedNear(copies),
  }
}

function checkedMs(name: string, value: number, least: number): number {
  return checkedWhole(name, value, least, MOST_MS)
}
