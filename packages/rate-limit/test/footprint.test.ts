import { randomBytes } from 'node:crypto'
import { redisAdapter } from '@holdfast/adapter/redis'
import { createRateLimiter, type PolicyOptions, type RateLimiterOptions, type Receipt } from '@holdfast/rate-limit'
import { commandCounter, ownPrefix, sharedRedisUrl } from '@holdfast/test/redis'
import { afterAll, describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { Redis } from 'ioredis'

const redis = new Redis(sharedRedisUrl())
afterAll(() => redis.quit())

type Limits = RateLimiterOptions extends infer Options ? (Options extends unknown ? Omit<Options, 'adapter'> : never) : never

describe('what Redis holds for one client, with a key of 32 bytes', () => {
  const bucket = { limit: 1_000, windowMs: 3_600_000, algorithm: 'token-bucket' } as const
  const fixed = { limit: 1_000, windowMs: 3_600_000, algorithm: 'fixed-window' } as const
  const counter = { limit: 1_000, windowMs: 3_600_000, algorithm: 'sliding-window-counter' } as const
  const three: PolicyOptions[] = [
    { name: 'burst', ...bucket },
    { name: 'hourly', ...fixed },
    { name: 'daily', ...counter },
  ]
  it.each<[string, Limits, number]>([
    ['a token bucket', bucket, 144],
    ['a fixed window', fixed, 144],
    ['a sliding window counter', counter, 144],
    ['three policies', { policies: three }, 256],
  ])('%s', async (_what, limits, most) => {
    const adapter = redisAdapter({ url: sharedRedisUrl() })
    const name = randomBytes(2).toString('hex')
    const limiter = createRateLimiter({ adapter, name, ...limits })
    const key = 'k'.repeat(32 - `rate-limit:${name}:{}`.length)
    for (let call = 0; call < 300; call += 1) await limiter.consume(key)
    expect(await redis.memory('USAGE', `rate-limit:${name}:{${key}}`)).toBeLessThanOrEqual(most)
    await limiter.reset(key)
    await adapter.close()
  })

  it('a log of 1,000 hits in as many milliseconds', async () => {
    const prefix = ownPrefix()
    let now = Date.now()
    const adapter = redisAdapter({ url: sharedRedisUrl(), prefix, now: () => now })
    const limiter = createRateLimiter({ adapter, limit: 1_000, windowMs: 3_600_000 })
    for (let call = 0; call < 1_000; call += 1) {
      now += 1
      expect((await limiter.consume('key')).allowed).toBe(true)
    }
    const sizes = await Promise.all((await redis.keys(`${prefix}*`)).map((key) => redis.memory('USAGE', key)))
    expect(sizes).toHaveLength(2)
    expect(sizes.reduce((sum: number, size) => sum + Number(size), 0)).toBeLessThanOrEqual(20_000)
    await adapter.close()
  })
})

it.each([1, 5])('asks Redis one command for a decision by %i policies', async (count) => {
  const prefix = ownPrefix()
  const adapter = redisAdapter({ url: sharedRedisUrl(), prefix })
  const all: PolicyOptions[] = [
    { name: 'log', limit: 2, windowMs: 60_000 },
    { name: 'fixed', limit: 9, windowMs: 60_000, algorithm: 'fixed-window' },
    { name: 'counter', limit: 9, windowMs: 60_000, algorithm: 'sliding-window-counter' },
    { name: 'bucket', limit: 9, windowMs: 60_000, algorithm: 'token-bucket' },
    { name: 'slots', limit: 9, algorithm: 'concurrency' },
  ]
  const limiter = createRateLimiter({ adapter, policies: all.slice(0, count), denyCache: true })
  await limiter.consume('key')
  const counter = await commandCounter(sharedRedisUrl(), prefix)
  expect((await limiter.consume('key')).allowed).toBe(true)
  expect(await counter.take()).toEqual(['evalsha'])
  await limiter.peek('key')
  expect(await counter.take()).toEqual(['evalsha'])
  await limiter.consume('key') // refused: the deny cache subscribes, and knows it from the next on
  await adapter.events.subscribe('another', () => {})
  await limiter.consume('key')
  await counter.take()
  expect((await limiter.consume('key')).allowed).toBe(false)
  expect(await counter.take()).toEqual([])
  counter.stop()
  await adapter.close()
})

// On Redis' own clock, which the keys' ends go by.
it('leaves no key without an end, whatever was called', async () => {
  const prefix = ownPrefix()
  const adapter = redisAdapter({ url: sharedRedisUrl(), prefix })
  const limiter = createRateLimiter({
    adapter,
    denyCache: true,
    penalty: { baseMs: 20, factor: 2, maxMs: 500 },
    policies: [
      { name: 'log', limit: 5, windowMs: 100 },
      { name: 'fixed', limit: 9, windowMs: 300, algorithm: 'fixed-window' },
      { name: 'counter', limit: 9, windowMs: 200, algorithm: 'sliding-window-counter' },
      { name: 'bucket', limit: 9, windowMs: 400, algorithm: 'token-bucket' },
      { name: 'slots', limit: 3, algorithm: 'concurrency', leaseMs: 300 },
      { name: 'tried', limit: 2, windowMs: 250, shadow: true },
    ],
  })
  const receipts: Receipt[] = []
  const call = fc.record({
    key: fc.constantFrom('a', 'b', 'c'),
    what: fc.constantFrom('consume', 'consume', 'consume', 'peek', 'refund', 'commit', 'release', 'block', 'unblock'),
    units: fc.nat(3),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(call, { minLength: 10, maxLength: 20 }), async (calls) => {
      for (const { key, what, units } of calls) {
        const receipt = receipts[units]
        if (what === 'consume') receipts.unshift(...receiptsOf(await limiter.consume(key, { cost: units })))
        else if (what === 'peek') await limiter.peek(key, { cost: units })
        else if (what === 'block') await limiter.block(key, 1 + units * 10)
        else if (what === 'unblock') await limiter.unblock(key)
        else if (what === 'commit') await receipt?.commit(units)
        else await receipt?.[what]()
      }
      const keys = await redis.keys(`${prefix}*`)
      const ends = await Promise.all(keys.map((key) => redis.pttl(key)))
      for (const ms of ends) expect(ms === -2 || (ms > 0 && ms <= 2_000)).toBe(true) // -2: ended meanwhile
    }),
    { numRuns: 40 },
  )
  for (const receipt of receipts) await receipt.release()
  await adapter.close()
})

function receiptsOf({ receipt }: { receipt: Receipt | undefined }): Receipt[] {
  return receipt === undefined ? [] : [receipt]
}
