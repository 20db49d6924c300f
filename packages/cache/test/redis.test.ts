import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { Adapter } from '@holdfast/adapter'
import { redisAdapter } from '@holdfast/adapter/redis'
import { createCache } from '@holdfast/cache'
import {
  type CommandCounter,
  commandCounter,
  ownPrefix,
  type RedisProxy,
  type RedisServer,
  sharedRedisUrl,
  startProxy,
  startRedisServer,
} from '@holdfast/test/redis'
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { Redis } from 'ioredis'

describe('the commands that are sent', () => {
  const prefix = ownPrefix()
  const adapter = redisAdapter({ url: sharedRedisUrl(), prefix })
  // MONITOR makes 10,000 values slow: no lease is to be renewed meanwhile.
  const cache = createCache({ adapter, ttlMs: 600_000, timeoutMs: 60_000, loadLeaseMs: 600_000 })
  let counter: CommandCounter
  beforeAll(async () => {
    // One purge first: the clock is there, and every script is known.
    await cache.clear()
    await cache.getOrSet('warm', () => 1)
    await cache.set('warm', 2)
    await cache.delete('warm')
    counter = await commandCounter(sharedRedisUrl(), prefix)
  })
  afterAll(async () => {
    counter.stop()
    await adapter.close()
  })

  it('are one for a hit, three for a miss, two for a set, one for a delete and for a clear', async () => {
    await cache.getOrSet('42', () => 'value')
    expect(await counter.take()).toEqual(['mget', 'evalsha', 'evalsha'])
    await cache.getOrSet('42', () => 'value')
    expect(await counter.take()).toEqual(['mget'])
    await cache.set('42', 'value')
    expect(await counter.take()).toEqual(['get', 'evalsha'])
    await cache.delete('42')
    expect(await counter.take()).toEqual(['evalsha'])
    await cache.clear()
    expect(await counter.take()).toEqual(['evalsha'])
  })

  it('are a few for many keys', async () => {
    const keys = Array.from({ length: 100 }, (_, index) => `many ${index}`)
    await cache.getMany(keys, (missing) => missing)
    expect((await counter.take()).length).toBeLessThan(10)
    await cache.getMany(keys, (missing) => missing)
    expect(await counter.take()).toEqual(['mget'])
  })

  it('are at most 6 for the purge of a tag with 10,000 values, and none of them stays valid', async () => {
    const keys = Array.from({ length: 10_000 }, (_, index) => `tagged ${index}`)
    await cache.getMany(keys, (missing) => missing, { tags: ['org:7'] })
    await counter.take()
    await cache.invalidateTags(['org:7'])
    expect((await counter.take()).length).toBeLessThanOrEqual(6)
    let loads = 0
    await cache.getMany(keys, (missing) => {
      loads += missing.length
      return missing
    })
    expect(loads).toBe(10_000)
  }, 60_000)
})

describe('what Redis holds', () => {
  const redis = new Redis(sharedRedisUrl())
  afterAll(() => redis.quit())

  it('has an end, whatever was done', async () => {
    const prefix = ownPrefix()
    const adapter = redisAdapter({ url: sharedRedisUrl(), prefix })
    const cache = createCache({ adapter, ttlMs: 60_000, staleWhileRevalidateMs: 1_000, timeoutMs: 5_000 })
    await cache.getOrSet('kept', () => 1, { tags: ['a'] })
    await cache.getOrSet('failed', () => Promise.reject(new Error('on purpose'))).catch(() => {})
    await cache.getOrSet('undefined', () => undefined)
    await cache.set('set', 1)
    await cache.delete('set')
    await cache.invalidateTags(['a', 'b'])
    const keys = await redis.keys(`${prefix}*`)
    expect(keys.length).toBeGreaterThan(3)
    for (const key of keys) expect(await redis.pttl(key)).toBeGreaterThan(0)
    await adapter.close()
  })

  it('counts as purged when the clock is lost', async () => {
    const prefix = ownPrefix()
    const adapter = redisAdapter({ url: sharedRedisUrl(), prefix })
    const cache = createCache({ adapter, ttlMs: 60_000, timeoutMs: 5_000 })
    await cache.set('42', 'old', { tags: ['a'] })
    await redis.del(`${prefix}cache:tags:{clock}`)
    await cache.invalidateTags(['b'])
    expect(await cache.get('42')).toBeUndefined()
    await cache.set('42', 'new', { tags: ['a'] })
    await redis.del(`${prefix}cache:tags:{clock}:value`)
    expect(await cache.get('42')).toBe('new') // only what is asked for was evicted
    await redis.del(`${prefix}cache:tags:{clock}`, `${prefix}cache:tags:{clock}:value`)
    expect(await cache.get('42')).toBeUndefined()
    await adapter.close()
  })

  it('is loaded again when it is no entry, or of another version', async () => {
    const prefix = ownPrefix()
    const adapter = redisAdapter({ url: sharedRedisUrl(), prefix })
    const cache = createCache({ adapter, ttlMs: 60_000, timeoutMs: 5_000 })
    const failures: unknown[] = []
    const listen = (event: unknown): void => void failures.push(event)
    subscribe('holdfast.cache.failure', listen)
    await cache.set('42', 'value', { tags: ['a tag'] })
    const key = `${prefix}cache:default:{42}:value`
    const bytes = await redis.getBuffer(key)
    if (bytes === null) throw new Error('The value is not where it should be')
    for (const broken of [
      Buffer.from(''),
      Buffer.from('{}'),
      Buffer.concat([Buffer.from([9]), bytes.subarray(1)]),
      bytes.subarray(0, -3),
      Buffer.from(bytes.toString('latin1').replace('["a tag"]', '["a tag",'), 'latin1'),
      Buffer.from(bytes.toString('latin1').replace('["a tag"]', '[1234567]'), 'latin1'),
    ]) {
      await redis.set(key, broken, 'EX', 60)
      await redis.del(`${prefix}cache:default:{42}`)
      expect(await cache.getOrSet('42', () => 'again')).toBe('again')
    }
    expect(failures).toMatchObject([{ name: 'default', key: '42', call: 'decode' }])
    unsubscribe('holdfast.cache.failure', listen)
    await adapter.close()
  })
})

/** What a busy machine may add to anything. */
const BUSY_MS = 300

// In real time: deadlines go by it. Some two seconds each.
describe('while Redis is away', () => {
  let server: RedisServer
  beforeAll(async () => {
    server = await startRedisServer()
  })
  afterAll(() => server.stop())
  const closing: (() => Promise<unknown>)[] = []
  afterEach(async () => {
    for (const close of closing.splice(0)) await close()
  })

  it('frozen: the first caller waits for timeoutMs at the most, the next ones for nothing; and values are kept again within 3 s', async () => {
    const adapter = redisAdapter({ url: server.url, prefix: ownPrefix() })
    closing.push(() => adapter.close())
    const cache = createCache({ adapter, ttlMs: 60_000 })
    await cache.getOrSet('warm', () => 1)
    server.freeze()
    const first = await timed(() => cache.getOrSet('42', () => 'alone'))
    expect(first).toBeGreaterThan(150)
    expect(first).toBeLessThan(200 + BUSY_MS)
    await cache.getOrSet('43', () => 'alone') // if the circuit is not open yet, it is now
    const next = await Promise.all(
      Array.from({ length: 20 }, (_, index) => timed(() => cache.getOrSet(`${index}`, () => 'alone'))),
    )
    expect(median(next)).toBeLessThan(100) // half of what waiting would take, for 20 at once
    server.thaw()
    const since = performance.now()
    while ((await cache.getOrSet('44', () => performance.now())) !== (await cache.getOrSet('44', () => -1))) {
      expect(performance.now() - since).toBeLessThan(3_000)
    }
  })

  it('frozen while a loader runs: the value is given, and waited for timeoutMs longer at the most', async () => {
    const adapter = redisAdapter({ url: server.url, prefix: ownPrefix() })
    closing.push(() => adapter.close())
    const cache = createCache({ adapter, ttlMs: 60_000 })
    await cache.getOrSet('warm', () => 1)
    const load = () => {
      server.freeze()
      return 'loaded'
    }
    expect(await timed(() => cache.getOrSet('42', load))).toBeLessThan(200 + BUSY_MS)
    server.thaw()
  })

  it.each<[string, (proxy: RedisProxy) => unknown, (proxy: RedisProxy) => unknown]>([
    ['the reply that a load may begin', (proxy) => proxy.cutReplies(), () => {}],
    ['the connection by which a value was to be kept', () => {}, (proxy) => proxy.refuse()],
  ])('%s is lost: once Redis is back, nobody waits for the lease', async (_, whenLooked, whenLoaded) => {
    const proxy = await startProxy(server.port)
    const prefix = ownPrefix()
    const [adapter, direct] = [redisAdapter({ url: proxy.url, prefix }), redisAdapter({ url: server.url, prefix })]
    closing.push(
      () => adapter.close(),
      () => direct.close(),
      () => proxy.stop(),
    )
    const looked: Adapter = {
      ...adapter,
      async getMany(keys, options) {
        const values = await adapter.getMany(keys, options)
        await whenLooked(proxy)
        return values
      },
    }
    const options = { ttlMs: 60_000, timeoutMs: 1_000 }
    const [cache, other] = [createCache({ adapter: looked, ...options }), createCache({ adapter: direct, ...options })]
    await other.getOrSet('warm', () => 'so that there are a clock and the scripts')
    await adapter.set('warm', Buffer.from('up'), 1_000)
    const load = async () => {
      await whenLoaded(proxy)
      return 'loaded'
    }
    expect(await cache.getOrSet('42', load)).toBe('loaded')
    await proxy.restore()
    expect(await timed(() => other.getOrSet('42', () => 'loaded again'))).toBeLessThan(3_000)
  })

  it('cut off, copies near by go when it is back', async () => {
    const proxy = await startProxy(server.port)
    const prefix = ownPrefix()
    const [adapter, direct] = [redisAdapter({ url: proxy.url, prefix }), redisAdapter({ url: server.url, prefix })]
    closing.push(
      () => adapter.close(),
      () => direct.close(),
      () => proxy.stop(),
    )
    const options = { name: 'users', ttlMs: 60_000, timeoutMs: 1_000, near: { ttlMs: 3_600_000 } }
    const [cache, other] = [createCache({ adapter, ...options }), createCache({ adapter: direct, ...options })]
    await cache.getOrSet('42', () => 'old', { tags: ['org:7'] })
    await adapter.events.subscribe('another', () => {})
    await adapter.events.subscribe('one more', () => {}) // the cache's own subscriptions stand now
    await cache.get('42')
    await proxy.refuse()
    await other.invalidateTags(['org:7'])
    expect(await cache.get('42')).toBe('old') // for near.ttlMs at the most
    await proxy.restore()
    while ((await cache.get('42')) === 'old') await new Promise(setImmediate)
  })
})

async function timed(run: () => Promise<unknown>): Promise<number> {
  const since = performance.now()
  await run()
  return performance.now() - since
}

function median(times: readonly number[]): number {
  return [...times].sort((one, other) => one - other)[Math.floor(times.length / 2)] ?? Number.NaN
}
