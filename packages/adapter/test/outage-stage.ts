import { scheduler } from 'node:timers/promises'
import type { Adapter } from '@holdfast/adapter'
import { type RedisAdapterOptions, redisAdapter } from '@holdfast/adapter/redis'
import { ownPrefix } from '@holdfast/test/redis'
import { afterEach, expect } from '@jest/globals'
import { type MakeClient, singles, type TestClient } from './clients.ts'
import { acquire } from './sample-operations.ts'

export const timeout = { name: 'AdapterTimeoutError', code: 'ERR_HOLDFAST_ADAPTER_TIMEOUT' }
export const unavailable = {
  name: 'AdapterUnavailableError',
  code: 'ERR_HOLDFAST_ADAPTER_UNAVAILABLE',
  cause: expect.anything(),
}

/** Every kind of client, and the adapter's own. */
export const sources: readonly [name: string, makeClient: MakeClient | undefined][] = [
  ['a client of its own', undefined],
  ...Object.entries(singles),
]

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0)) await end()
})

/** Does something after the test, whatever becomes of it. A rejection that nobody handles fails a test by itself. */
export function atEnd(end: () => unknown): void {
  ends.push(end)
}

/** An adapter on a Redis, by a client of the app's or, without one, of its own. Closed after the test. */
export function adapterOn(
  url: string,
  makeClient?: MakeClient,
  options: { prefix?: string; timeoutMs?: number } = {},
): { adapter: Adapter; made: TestClient | undefined } {
  const made = makeClient?.(url)
  return { adapter: adapterBy(made === undefined ? { url } : { client: made.client }, made, options), made }
}

function adapterBy(source: RedisAdapterOptions, made?: TestClient, options: object = {}): Adapter {
  const adapter = redisAdapter({ prefix: ownPrefix(), timeoutMs: 200, ...source, ...options })
  atEnd(async () => {
    await adapter.close()
    made?.close()
  })
  return adapter
}

/** A step whose result tells how often it has run. */
export async function fence(adapter: Adapter, key = '{k}'): Promise<number> {
  return (await adapter.run(acquire, key, { owner: 'ann', leaseMs: 600_000 })).fence
}

/** Milliseconds until a call succeeds. */
export async function firstSuccess(call: () => Promise<unknown>, withinMs = 8_000): Promise<number> {
  const started = performance.now()
  for (;;) {
    try {
      await call()
      return performance.now() - started
    } catch (error) {
      if (performance.now() - started > withinMs) throw new Error(`no success within ${withinMs} ms`, { cause: error })
      await scheduler.wait(10)
    }
  }
}

/** How a call ends, and when. */
export async function ending(call: Promise<unknown>): Promise<{ error: unknown; afterMs: number }> {
  const started = performance.now()
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  return { error, afterMs: performance.now() - started }
}

/** Does something again and again, as a client would, until `change` is over. */
export async function meanwhile<T>(change: Promise<T>, work: () => Promise<void>): Promise<T> {
  const over = new AbortController()
  const changed = change.finally(() => over.abort())
  changed.catch(() => {}) // it is awaited below
  while (!over.signal.aborted) {
    await work()
    await scheduler.wait(20)
  }
  return changed
}
