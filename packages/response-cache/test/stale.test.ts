import { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { type AppHandler, bound, eachFramework } from '@holdfast/test/frameworks'
import { expect, it } from '@jest/globals'
import { counting, stage, until } from './stage.ts'

const SOON_STALE = { 'Cache-Control': 'max-age=60, stale-while-revalidate=30' }
const file = fileURLToPath(import.meta.url)

eachFramework((framework) => {
  /** What stands in front of the cache, and sees each request of a client. */
  function logger() {
    const log: string[] = []
    const before = bound((exchange, next) => {
      const started = exchange.url
      exchange.onClose(() => log.push(`${started} ${String(exchange.status)}`))
      exchange.setHeader('X-Log', String(log.length))
      return next()
    })
    return { log, before }
  }

  const answers: [string, (count: number) => ReturnType<AppHandler>][] = [
    ['text', (count) => ({ headers: SOON_STALE, body: `made ${count}` })],
    ['JSON', (count) => ({ headers: SOON_STALE, json: { count } })],
    ['a pipeline', (count) => ({ headers: SOON_STALE, stream: Readable.from(['made ', String(count)]) })],
    ['a file', () => ({ headers: SOON_STALE, file })],
  ]

  it.each(answers)('serves %s stale, and has it made anew behind the back of its client', async (_, made) => {
    let count = 0
    const { log, before } = logger()
    const { get, clock, cache, port } = await stage(framework, () => made(++count), { before })
    const first = await get('/page')
    clock.advance(60_000)
    const stale = await get('/page')
    expect(stale.body).toBe(first.body)
    expect(stale.headers).toMatchObject({ age: '60', 'cache-status': 'holdfast; hit; ttl=0', 'x-log': '1' })
    await until(async () => (await cache.explain({ url: `http://127.0.0.1/page` })).state === 'fresh')
    const fresh = await get('/page')
    expect(fresh.headers).toMatchObject({ age: '0', 'cache-status': 'holdfast; hit; ttl=60', 'x-log': '2' })
    if (count === 2 && !('file' in ((await made(0)) ?? {}))) expect(fresh.body).not.toBe(first.body)
    expect(fresh.headers['content-type']).toBe(first.headers['content-type'])
    expect(count).toBe(2)
    await until(() => log.length === 3)
    expect(log).toEqual(['/page 200', '/page 200', '/page 200'])
    expect(port).toBeGreaterThan(0)
  })

  it.each<Record<string, string>>([
    { 'Cache-Control': 'max-age=0' },
    { Expires: '0' },
    { Expires: 'Thu, 01 Jan 1970 00:00:00 GMT' },
  ])('is not served stale by the options where it says that it is fresh for no time: %j', async (headers) => {
    const options = { ttlMs: 60_000, staleWhileRevalidateMs: 60_000 }
    const { get } = await stage(framework, counting(headers), { options })
    expect((await get()).body).toBe('made 1')
    expect((await get()).body).toBe('made 2')
  })

  it('is served stale where it says itself that it is fresh for no time, but may be', async () => {
    const { get } = await stage(framework, counting({ 'Cache-Control': 'max-age=0, stale-while-revalidate=60' }))
    await get()
    expect((await get()).body).toBe('made 1')
  })

  it('asks whether it is still true, and goes on with it when it is', async () => {
    const asked: (string | undefined)[] = []
    const { get, clock, cache } = await stage(framework, ({ headers }) => {
      asked.push(headers['if-none-match'])
      const common = { ...SOON_STALE, ETag: '"v1"' }
      return headers['if-none-match'] === '"v1"' ? { status: 304, headers: common } : { headers: common, body: 'version 1' }
    })
    await get()
    clock.advance(60_000)
    expect((await get()).body).toBe('version 1')
    await until(async () => (await cache.explain({ url: 'http://127.0.0.1/' })).state === 'fresh')
    clock.advance(59_999)
    expect((await get()).body).toBe('version 1')
    expect(asked).toEqual([undefined, '"v1"'])
  })

  it('makes it anew once for any number of clients, and keeps what is there when that fails', async () => {
    let count = 0
    const { get, clock, seen } = await stage(framework, ({ next }) => {
      count += 1
      if (count === 1) return { headers: SOON_STALE, body: 'good' }
      next(new Error('failed'))
      return undefined
    })
    await get()
    clock.advance(60_000)
    const bodies = (await Promise.all(Array.from({ length: 20 }, () => get()))).map(({ body }) => body)
    expect(new Set(bodies)).toEqual(new Set(['good']))
    await until(() => seen.length > 1)
    clock.advance(29_999)
    expect((await get()).body).toBe('good')
    clock.advance(1)
    expect((await get()).status).toBe(500)
  })

  it('is not made anew for all by what a middleware in front has said private of', async () => {
    const before = bound((exchange, next) => {
      if (exchange.headers['x-user'] !== undefined) exchange.setHeader('Cache-Control', 'private')
      return next()
    })
    const { get, clock, seen, cache } = await stage(framework, ({ headers }) => ({ body: String(headers['x-user']) }), {
      before,
      options: { ttlMs: 60_000, staleWhileRevalidateMs: 60_000 },
    })
    await get()
    clock.advance(60_000)
    expect((await get('/', { 'X-User': 'ann' })).body).toBe('undefined')
    await until(async () => (await cache.explain({ url: 'http://127.0.0.1/' })).state === 'pass')
    expect((await get()).body).toBe('undefined')
    expect(seen).toHaveLength(3)
  })

  it('is over at its end: then the client waits', async () => {
    let count = 0
    const { get, clock } = await stage(framework, () => ({ headers: SOON_STALE, body: `made ${++count}` }))
    await get()
    clock.advance(90_000)
    expect((await get()).body).toBe('made 2')
  })
})
