import { redisAdapter } from '@holdfast/adapter/redis'
import { eachFramework } from '@holdfast/test/frameworks'
import { request } from '@holdfast/test/raw-http'
import {
  type CommandCounter,
  commandCounter,
  ownPrefix,
  type RedisServer,
  sharedRedisUrl,
  startRedisServer,
} from '@holdfast/test/redis'
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { Redis } from 'ioredis'
import { responseCache as onExpress } from '../src/express.ts'
import { createResponseCache } from '../src/index.ts'
import { responseCache as onKoa } from '../src/koa.ts'
import { responseCache as onNode } from '../src/node.ts'

/** What a busy machine may add to anything. */
const BUSY_MS = 300

eachFramework((framework) => {
  const closing: (() => Promise<unknown>)[] = []
  afterEach(async () => {
    for (const close of closing.splice(0)) await close()
  })

  async function serving(url: string, { prefix = ownPrefix(), timeoutMs = 200 } = {}) {
    const adapter = redisAdapter({ url, prefix, timeoutMs })
    closing.push(() => adapter.close())
    const cache = createResponseCache({ adapter })
    let count = 0
    const { port } = await framework.serve({
      gate: {
        node: () => [onNode({ cache, ttlMs: 60_000 })],
        express: () => [onExpress({ cache, ttlMs: 60_000 })],
        koa: () => [onKoa({ cache, ttlMs: 60_000 })],
      },
      handler: ({ url: path }) => ({ body: `made ${++count}`, headers: path.startsWith('/varies') ? { Vary: 'X-A' } : {} }),
    })
    return {
      cache,
      prefix,
      get: (path = '/', headers: Record<string, string> = {}, method = 'GET') => request(port, { path, headers, method }),
    }
  }

  describe('the commands that are sent', () => {
    let counter: CommandCounter
    const prefix = ownPrefix()
    beforeAll(async () => {
      counter = await commandCounter(sharedRedisUrl(), prefix)
    })
    afterAll(() => counter.stop())

    it('are one for a hit, by Vary too, three for a response that is made, two where the last was private, one for what changes it', async () => {
      const { get, cache } = await serving(sharedRedisUrl(), { prefix, timeoutMs: 10_000 })
      await cache.clear() // the clock is there, and every script is known
      for (const path of ['/warm', '/varies/warm']) await get(path)
      await get('/warm', {}, 'DELETE')
      await counter.take()
      await get('/page')
      const sent: string[] = []
      while (sent.length < 3) sent.push(...(await counter.take())) // it is stored after it is sent
      expect(sent).toEqual(['mget', 'evalsha', 'evalsha'])
      await get('/page')
      expect(await counter.take()).toEqual(['mget'])
      while (!(await get('/varies')).headers['cache-status']?.includes('hit'));
      await counter.take()
      await get('/varies')
      expect(await counter.take()).toEqual(['mget'])
      await get('/page', {}, 'DELETE')
      expect(await counter.take()).toEqual(['evalsha'])
      const own = { Authorization: 'Basic YTpi' } // its answer is its client's own, and marks the key
      while (!(await get('/own', own)).headers['cache-status']?.includes('hit-for-miss'));
      await counter.take()
      await get('/own', own)
      expect(await counter.take()).toEqual(['mget'])
      await get('/own')
      expect(await counter.take()).toEqual(['mget', 'evalsha'])
    })
  })

  it('leaves no key in Redis without an end', async () => {
    const redis = new Redis(sharedRedisUrl())
    closing.push(() => redis.quit())
    const { get, prefix } = await serving(sharedRedisUrl(), { timeoutMs: 10_000 })
    for (const path of ['/a', '/varies']) await get(path)
    await get('/a', {}, 'DELETE')
    const keys = await redis.keys(`${prefix}*`)
    expect(keys.length).toBeGreaterThan(3)
    for (const key of keys) expect(await redis.pttl(key)).toBeGreaterThan(0)
  })

  // In real time: deadlines go by it. Some two seconds each.
  describe('while Redis is away', () => {
    let server: RedisServer
    beforeAll(async () => {
      server = await startRedisServer()
    })
    afterAll(() => server.stop())

    const timed = async (work: () => Promise<{ status: number }>): Promise<number> => {
      const startedAt = performance.now()
      expect((await work()).status).toBe(200)
      return performance.now() - startedAt
    }

    it('frozen: the first client waits for timeoutMs at the most, the next ones for nothing; responses are stored again within 3 s', async () => {
      const { get } = await serving(server.url)
      await get('/warm')
      server.freeze()
      expect(await timed(() => get('/warm'))).toBeLessThan(200 + BUSY_MS)
      await get('/page') // if the circuit is not open yet, it is now
      const next = await Promise.all(Array.from({ length: 20 }, (_, index) => timed(() => get(`/${index}`))))
      expect(next.toSorted((a, b) => a - b)[10]).toBeLessThan(10 + BUSY_MS)
      expect((await get('/warm')).headers['cache-status']).toBe('holdfast; fwd=bypass; detail=adapter')
      server.thaw()
      const since = performance.now()
      while (!(await get('/again')).headers['cache-status']?.includes('hit'))
        expect(performance.now() - since).toBeLessThan(3_000)
    })

    it('killed: every request is answered, and responses are stored again when it is back', async () => {
      const { get } = await serving(server.url)
      await get('/page')
      expect((await get('/page')).body).toBe('made 1')
      await server.kill()
      for (let count = 0; count < 10; count += 1) expect((await get('/page')).status).toBe(200)
      await server.start()
      const since = performance.now()
      while (!(await get('/page')).headers['cache-status']?.includes('hit')) expect(performance.now() - since).toBeLessThan(5_000)
    })
  })
})
