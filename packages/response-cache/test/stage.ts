import type { Adapter } from '@holdfast/adapter'
import { memoryAdapter } from '@holdfast/adapter/memory'
import { type FakeClock, fakeClock } from '@holdfast/adapter/testing'
import type { App, AppHandler, AppRequest, AppResponse, Bindings, Framework } from '@holdfast/test/frameworks'
import { type RawRequest, type RawResponse, request } from '@holdfast/test/raw-http'
import { responseCache as onExpress } from '../src/express.ts'
import { createResponseCache, type ResponseCache } from '../src/index.ts'
import { responseCache as onKoa } from '../src/koa.ts'
import { responseCache as onNode } from '../src/node.ts'
import type { MiddlewareOptions } from '../src/options.ts'

/** What the three bindings take alike. */
export type Options = Omit<MiddlewareOptions<object, object>, 'key' | 'skip'>

export interface Stage {
  readonly clock: FakeClock
  readonly adapter: Adapter
  readonly cache: ResponseCache
  readonly port: number
  /** The requests that reached the handler. */
  readonly seen: AppRequest[]
  get(path?: string, headers?: Record<string, string>): Promise<RawResponse>
  ask(rawRequest: RawRequest): Promise<RawResponse>
}

export interface Setting {
  readonly options?: Options
  readonly adapter?: (now: () => number) => Adapter
  /** What stands before the cache. */
  readonly before?: Bindings
  readonly trustProxy?: App['trustProxy']
  readonly loadLeaseMs?: number
}

/** The middleware by its three bindings, all in one cache. */
export function cached(cache: ResponseCache, options: Options = {}): Bindings {
  return {
    node: () => [onNode({ cache, ...options })],
    express: () => [onExpress({ cache, ...options })],
    koa: () => [onKoa({ cache, ...options })],
  }
}

/** Serves an app behind the cache, under a clock of its own that is behind the real one: a `Date` from Node makes nothing old. */
export async function stage(
  framework: Framework,
  handler: AppHandler,
  { options, adapter: make, before, loadLeaseMs = 10_000 }: Setting = {},
): Promise<Stage> {
  const clock = fakeClock(Date.UTC(2025, 5, 1))
  const adapter = make === undefined ? memoryAdapter({ now: clock.now }) : make(clock.now)
  const cache = createResponseCache({ adapter, timeoutMs: 5_000, loadLeaseMs })
  const seen: AppRequest[] = []
  const gate = cached(cache, options)
  const { port } = await framework.serve({
    gate: before === undefined ? gate : inFrontOf(before, gate),
    handler(asked) {
      seen.push(asked)
      return handler(asked)
    },
  })
  return {
    clock,
    adapter,
    cache,
    port,
    seen,
    get: (path = '/', headers = {}) => request(port, { path, headers }),
    ask: (rawRequest) => request(port, rawRequest),
  }
}

function inFrontOf(first: Bindings, second: Bindings): Bindings {
  return {
    node: () => [...first.node(), ...second.node()],
    express: () => [...first.express(), ...second.express()],
    koa: () => [...first.koa(), ...second.koa()],
  }
}

/** A handler that says how often it was called. */
export function counting(headers: AppResponse['headers'] = {}, more: AppResponse = {}): AppHandler {
  let count = 0
  return () => ({ headers, body: `made ${++count}`, ...more })
}

export async function until(isTrue: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isTrue())) await new Promise(setImmediate)
}
