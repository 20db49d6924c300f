import { redisAdapter } from '@holdfast/adapter/redis'
import { createRateLimiter } from '@holdfast/rate-limit'
import { ownPrefix, type RedisServer, startProxy, startRedisServer } from '@holdfast/test/redis'
import { afterAll, beforeAll, expect, it } from '@jest/globals'

// In real time: deadlines go by it. Some 300 ms each.
let server: RedisServer
beforeAll(async () => {
  server = await startRedisServer()
})
afterAll(() => server.stop())

it('decides within the deadline while Redis is frozen, and by Redis within a second of its coming back', async () => {
  const adapter = redisAdapter({ url: server.url, prefix: ownPrefix(), timeoutMs: 100 })
  const limiter = createRateLimiter({ adapter, limit: 2, windowMs: 60_000 })
  expect(await limiter.consume('key')).toMatchObject({ allowed: true, source: 'adapter' })
  server.freeze()
  const started = performance.now()
  const decisions = await Promise.all(['key', 'key', 'key'].map((key) => limiter.consume(key)))
  expect(performance.now() - started).toBeLessThan(250)
  expect(decisions.map(({ allowed, source }) => [allowed, source])).toEqual([
    [true, 'local'],
    [true, 'local'],
    [false, 'local'],
  ])
  server.thaw()
  const thawed = performance.now()
  while ((await limiter.consume('another')).source !== 'adapter') expect(performance.now() - thawed).toBeLessThan(1_000)
  expect(performance.now() - thawed).toBeLessThan(1_000)
  await adapter.close()
})

it('tells when Redis is tried again, when nothing passes meanwhile', async () => {
  const adapter = redisAdapter({ url: server.url, prefix: ownPrefix(), timeoutMs: 100 })
  const limiter = createRateLimiter({ adapter, limit: 2, windowMs: 60_000, failure: 'closed' })
  await limiter.consume('key')
  server.freeze()
  await limiter.consume('key')
  const refused = await limiter.consume('key')
  server.thaw()
  expect(refused).toMatchObject({ allowed: false, source: 'closed', policies: [], violated: [] })
  expect(refused.retryAfterMs).toBeGreaterThan(0)
  expect(refused.retryAfterMs).toBeLessThanOrEqual(500) // the circuit's probe
  await adapter.close()
})

it('asks Redis again when its connection for events was cut, and may have missed that capacity was freed', async () => {
  const proxy = await startProxy(server.port)
  const prefix = ownPrefix()
  const [adapter, other] = [redisAdapter({ url: proxy.url, prefix }), redisAdapter({ url: server.url, prefix })]
  const options = { limit: 1, windowMs: 86_400_000, denyCache: true }
  const [limiter, freeing] = [createRateLimiter({ adapter, ...options }), createRateLimiter({ adapter: other, ...options })]
  await limiter.consume('key')
  await adapter.events.subscribe('another', () => {})
  await limiter.consume('key')
  await adapter.events.subscribe('one more', () => {}) // the limiter's own subscription stands now
  await limiter.consume('key')
  expect((await limiter.consume('key')).allowed).toBe(false)
  await proxy.refuse()
  await freeing.reset('key')
  expect((await limiter.consume('key')).allowed).toBe(false)
  await proxy.restore()
  const restored = performance.now()
  while (!(await limiter.consume('key')).allowed) {
    expect(performance.now() - restored).toBeLessThan(5_000)
    await new Promise(setImmediate)
  }
  await Promise.all([adapter.close(), other.close()])
  await proxy.stop()
})

it('gives units of a concurrency policy back that were released, or given, while Redis was frozen', async () => {
  const adapter = redisAdapter({ url: server.url, prefix: ownPrefix(), timeoutMs: 100 })
  const limiter = createRateLimiter({ adapter, limit: 3, algorithm: 'concurrency', leaseMs: 3_600_000, failure: 'closed' })
  const { receipt } = await limiter.consume('key')
  await limiter.consume('key')
  server.freeze()
  const leaving = new AbortController()
  const [left, late, released] = [limiter.consume('key', { signal: leaving.signal }), limiter.consume('key'), receipt?.release()]
  leaving.abort(new Error('The client left'))
  await expect(left).rejects.toThrow('The client left')
  expect(await late).toMatchObject({ allowed: false, source: 'closed' })
  expect(await released).toBe(false)
  server.thaw()
  const thawed = performance.now()
  const free = new Set<number | undefined>()
  while (!free.has(2)) {
    free.add((await limiter.peek('key')).policies[0]?.remaining)
    expect(performance.now() - thawed).toBeLessThan(5_000)
  }
  await adapter.close()
})

const algorithms = ['sliding-window-log', 'sliding-window-counter', 'fixed-window', 'token-bucket'] as const

it.each(algorithms)(
  'admits exactly the limit over two adapters, as over two processes, on the clock of Redis (%s)',
  async (algorithm) => {
    const prefix = ownPrefix()
    const adapters = [redisAdapter({ url: server.url, prefix }), redisAdapter({ url: server.url, prefix })]
    const limiters = adapters.map((adapter) => createRateLimiter({ adapter, limit: 50, windowMs: 86_400_000, algorithm }))
    const decisions = await Promise.all(Array.from({ length: 100 }, (_, turn) => limiters[turn % 2]?.consume('key')))
    expect(decisions.filter((decision) => decision?.allowed)).toHaveLength(50)
    expect(decisions.every((decision) => decision?.source === 'adapter')).toBe(true)
    await Promise.all(adapters.map((adapter) => adapter.close()))
  },
)
