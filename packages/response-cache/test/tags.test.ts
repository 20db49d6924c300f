import { once } from 'node:events'
import { createServer } from 'node:http'
import { memoryAdapter } from '@holdfast/adapter/memory'
import { redisAdapter } from '@holdfast/adapter/redis'
import { createCache } from '@holdfast/cache'
import { front } from '@holdfast/http/node'
import { eachAdapter } from '@holdfast/test/adapters'
import { eachFramework } from '@holdfast/test/frameworks'
import { request } from '@holdfast/test/raw-http'
import { ownPrefix, sharedRedisUrl } from '@holdfast/test/redis'
import { expect, it } from '@jest/globals'
import express from 'express'
import Koa from 'koa'
import { cacheFor as cacheForOnExpress, responseCache as onExpress } from '../src/express.ts'
import { createResponseCache } from '../src/index.ts'
import { cacheFor as cacheForOnKoa, noCache as noCacheOnKoa, responseCache as onKoa } from '../src/koa.ts'
import { responseCache as onNode } from '../src/node.ts'
import { stage } from './stage.ts'

const HOST = 'http://127.0.0.1'

eachFramework((framework) => {
  eachAdapter((makeAdapter) => {
    it('drops responses by the tags of the cached values that they are made of', async () => {
      const setting = {
        adapter: makeAdapter,
        options: { ttlMs: 60_000, tags: () => ['page'], tagHeaders: ['Cache-Tag', 'Surrogate-Key'] as const },
      }
      let version = 1
      let users: ReturnType<typeof createCache> | undefined
      const { get, cache, adapter, seen } = await stage(
        framework,
        async () => {
          const user = await users?.getOrSet('42', ({ tags }) => {
            tags.add('org:7')
            return { version }
          })
          return { json: user }
        },
        setting,
      )
      users = createCache({ adapter, name: 'users', ttlMs: 3_600_000, timeoutMs: 5_000 })
      const first = await get('/user')
      expect(first.body).toBe('{"version":1}')
      expect(first.headers).toMatchObject({ 'cache-tag': 'org:7,page', 'surrogate-key': 'org:7 page' })
      version = 2
      expect((await get('/user')).body).toBe('{"version":1}')
      expect((await cache.explain({ url: `${HOST}/user` })).tags.toSorted()).toEqual(['org:7', 'page'])
      await users.invalidateTags(['org:7'])
      expect((await get('/user')).body).toBe('{"version":2}')
      version = 3
      await cache.invalidateTags(['org:7'])
      expect((await get('/user')).body).toBe('{"version":3}')
      await cache.invalidateTags(['page'])
      await get('/user')
      expect(seen).toHaveLength(4)
    })
  })

  it('is told to the caches in between by tags that a field can have, whatever they are', async () => {
    const tags = ['straße 7', 'a,b', '犬', 'product:7']
    const options = { ttlMs: 60_000, tags: () => tags, tagHeaders: ['Cache-Tag', 'Surrogate-Key'] as const }
    const { get, cache, seen } = await stage(framework, () => ({ body: 'made' }), { options })
    const sent = ['stra%C3%9Fe%207', 'a%2Cb', '%E7%8A%AC', 'product:7']
    for (const status of ['holdfast; fwd=uri-miss; stored', 'holdfast; hit; ttl=60']) {
      const { headers } = await get()
      expect(headers).toMatchObject({ 'cache-status': status, 'cache-tag': sent.join(','), 'surrogate-key': sent.join(' ') })
    }
    await cache.invalidateTags(['犬'])
    await get()
    expect(seen).toHaveLength(2)
  })

  it('is one cache by its name on one adapter, and another by another name', async () => {
    const { get, adapter, seen } = await stage(framework, () => ({ headers: { 'Cache-Control': 'max-age=60' }, body: 'x' }))
    await get('/page')
    const [same, other] = [createResponseCache({ adapter }), createResponseCache({ adapter, name: 'other' })]
    expect((await same.explain({ url: `${HOST}/page` })).state).toBe('fresh')
    expect((await other.explain({ url: `${HOST}/page` })).state).toBe('none')
    await other.clear()
    await get('/page')
    expect(seen).toHaveLength(1)
    await same.clear()
    await get('/page')
    expect(seen).toHaveLength(2)
  })

  it('explains what a proxy has stored by languages in any order', async () => {
    const headers = { 'Cache-Control': 'max-age=60', Vary: 'Accept-Language' }
    const { get, cache } = await stage(framework, () => ({ headers, body: 'x' }), { options: { mode: 'rfc' } })
    await get('/', { 'Accept-Language': 'en, de' })
    expect(await cache.explain({ url: HOST, headers: { 'accept-language': 'de, en' } })).toMatchObject({ state: 'fresh' })
    expect(await cache.explain({ url: HOST, headers: { 'accept-language': 'fr' } })).toMatchObject({ state: 'none' })
  })

  it('explains what is there, and why nothing is', async () => {
    const { get, cache, clock } = await stage(framework, ({ url }) => {
      const control = url === '/never' ? 'no-store' : 'max-age=60, stale-while-revalidate=30'
      return { headers: { 'Cache-Control': control, ETag: '"1"', ...(url === '/varies' && { Vary: 'X-A' }) }, body: 'x' }
    })
    for (const path of ['/page', '/never', '/varies']) await get(path)
    const explain = (path: string, headers = {}) => cache.explain({ url: HOST + path, headers })
    expect(await explain('/page')).toEqual({
      key: '127.0.0.1/page',
      state: 'fresh',
      status: 200,
      ageMs: 0,
      ttlMs: 60_000,
      vary: [],
      tags: [],
    })
    expect(await explain('/never')).toMatchObject({ state: 'pass', refusal: 'no-store' })
    expect(await explain('/varies')).toMatchObject({ state: 'fresh', vary: ['x-a'] })
    expect(await explain('/varies', { 'x-a': '1' })).toMatchObject({ state: 'none', vary: ['x-a'] })
    clock.advance(60_000)
    expect(await explain('/page')).toMatchObject({ state: 'stale', ageMs: 60_000, ttlMs: 0 })
    clock.advance(30_000)
    expect(await explain('/page')).toMatchObject({ state: 'validate' })
    await expect(explain('').then(() => cache.invalidateUrl('/page'))).rejects.toThrow('The URL must be absolute')
  })
})

it('tells copies in other processes to go', async () => {
  const options = { url: sharedRedisUrl(), prefix: ownPrefix() }
  const [adapter, elsewhere] = [redisAdapter(options), redisAdapter(options)]
  let made = 0
  const app = express().use(onExpress({ adapter, ttlMs: 60_000, near: { ttlMs: 3_600_000 }, timeoutMs: 5_000 }))
  app.get('/', (_req, res) => void res.send(String(++made)))
  const listening = app.listen(0, '127.0.0.1')
  await once(listening, 'listening')
  const address = listening.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const other = createResponseCache({ adapter: elsewhere, timeoutMs: 5_000 })
  await request(port)
  await adapter.events.subscribe('another', () => {}) // the cache's own subscriptions stand now
  for (let count = 0; count < 3; count += 1) expect((await request(port)).body).toBe('1')
  await other.invalidateUrl(HOST)
  while ((await request(port)).body === '1');
  expect((await request(port)).body).toBe('2')
  listening.close()
  await Promise.all([adapter.close(), elsewhere.close()])
})

it('is told by Express handlers through their response, and by Koa handlers through their context', async () => {
  const adapter = memoryAdapter()
  let made = 0
  const app = express()
  app.use(onExpress({ adapter, name: 'express', tags: (req, res) => [`path:${req.path}`, `status:${res.statusCode}`] }))
  app.get('/{*path}', (_req, res) => {
    cacheForOnExpress(res, { ttlMs: 60_000, tags: ['a'] })
    res.json(++made)
  })
  const koa = new Koa()
  koa.use(onKoa({ adapter, name: 'koa', key: (ctx) => `koa:${ctx.path}`, tags: (ctx) => [`path:${ctx.path}`] }))
  koa.use((ctx) => {
    if (ctx.path === '/never') noCacheOnKoa(ctx)
    else cacheForOnKoa(ctx, { ttlMs: 60_000, tags: ['a'] })
    ctx.body = String(++made)
  })
  for (const [listening, name] of [
    [app.listen(0, '127.0.0.1'), 'express'],
    [koa.listen(0, '127.0.0.1'), 'koa'],
  ] as const) {
    if (!listening.listening) await once(listening, 'listening')
    const address = listening.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const [first, second] = [await request(port, { path: '/page' }), await request(port, { path: '/page' })]
    expect(second.body).toBe(first.body)
    await createResponseCache({ adapter, name }).invalidateTags(['path:/page'])
    expect((await request(port, { path: '/page' })).body).not.toBe(first.body)
    if (name === 'koa') {
      expect((await request(port, { path: '/never' })).headers['cache-status']).toBe(
        'holdfast; fwd=uri-miss; detail=no-cache-called',
      )
    }
    listening.close()
  }
})

it('is told by the Koa handlers that it stands in front of', async () => {
  const koa = new Koa()
  koa.use((ctx) => {
    if (ctx.path === '/never') noCacheOnKoa(ctx)
    else cacheForOnKoa(ctx, { ttlMs: 60_000 })
    ctx.body = 'x'
  })
  const answer = koa.callback()
  const cached = front([onNode({ adapter: memoryAdapter(), ttlMs: 1_000 })], (req, res) => void answer(req, res))
  const server = createServer(cached).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const statuses: (string | undefined)[] = []
  for (const path of ['/never', '/page', '/page']) statuses.push((await request(port, { path })).headers['cache-status'])
  server.close()
  expect(statuses.slice(0, 2)).toEqual(['holdfast; fwd=uri-miss; detail=no-cache-called', 'holdfast; fwd=uri-miss; stored'])
  expect(statuses[2]).toMatch(/^holdfast; hit; ttl=(59|60)$/)
})

it('stores no response for which tags gives a text in the place of a list: a purge would not find it', async () => {
  const cache = onExpress({
    adapter: memoryAdapter(),
    ttlMs: 60_000,
    tags: ({ path }) => (path === '/text' ? 'product:7' : ['product:7']),
  })
  const server = express()
    .use(cache)
    .get('/:page', (_req, res) => void res.send('page'))
    .listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0
  const statuses = []
  for (const path of ['/text', '/text', '/list', '/list']) {
    const { status, body, headers } = await request(port, { path })
    statuses.push([status, body, headers['cache-status']?.includes('hit;') ?? false])
  }
  server.close()
  expect(statuses).toEqual([
    [200, 'page', false],
    [200, 'page', false],
    [200, 'page', false],
    [200, 'page', true],
  ])
})
