import type { Adapter } from '@holdfast/adapter'
import { memoryAdapter } from '@holdfast/adapter/memory'
import { failing, fakeClock } from '@holdfast/adapter/testing'
import { createRateLimiter } from '@holdfast/rate-limit'
import { eachAdapter } from '@holdfast/test/adapters'
import { beforeEach, describe, expect, it } from '@jest/globals'

const START = Date.UTC(2025, 5, 1)

eachAdapter((makeAdapter) => {
  const clock = fakeClock(START)
  let adapter: Adapter

  beforeEach(() => {
    clock.set(START)
    adapter = makeAdapter(clock.now)
  })

  it('admits exactly the limit of 100 calls at once', async () => {
    const limiter = createRateLimiter({ adapter, limit: 30, windowMs: 1_000 })
    const decisions = await Promise.all(Array.from({ length: 100 }, () => limiter.consume('key')))
    expect(decisions.filter(({ allowed }) => allowed)).toHaveLength(30)
    expect(decisions.slice(0, 30).map(({ policies }) => policies[0]?.remaining)).toEqual([...Array(30).keys()].reverse())
  })

  it('keeps hostile keys apart', async () => {
    const limiter = createRateLimiter({ adapter, limit: 1, windowMs: 1_000 })
    const keys = ['', ' ', '{}', '{', '}', '*', 'a:b', 'a%3ab', 'a\nb', 'a\0b', 'a\0c', '🗝️', '\ud800', '\ud801', '__proto__']
    keys.push('k'.repeat(10_240), `${'k'.repeat(10_239)}l`)
    for (const key of keys) expect([key, (await limiter.consume(key)).allowed]).toEqual([key, true])
    for (const key of keys) expect([key, (await limiter.consume(key)).allowed]).toEqual([key, false])
  })

  it('keeps limiters of different names apart, also where name and key run together', async () => {
    const first = createRateLimiter({ adapter, name: 'a', limit: 1, windowMs: 1_000 })
    const second = createRateLimiter({ adapter, name: 'a:b', limit: 1, windowMs: 1_000 })
    expect((await first.consume('b:c')).allowed).toBe(true)
    expect((await second.consume('c')).allowed).toBe(true)
  })

  it('charges nothing for a peek, and answers as a call would be answered', async () => {
    const limiter = createRateLimiter({ adapter, limit: 2, windowMs: 1_000 })
    const whole = { remaining: 2, nextMs: 0, fullMs: 0 }
    expect((await limiter.peek('key', { cost: 2 })).policies).toMatchObject([whole])
    expect(await limiter.peek('key', { cost: 3 })).toMatchObject({ allowed: false, retryAfterMs: Number.POSITIVE_INFINITY })
    expect((await limiter.consume('key', { cost: 0 })).policies).toMatchObject([whole])
  })

  it('forgets what was used when it is reset', async () => {
    const limiter = createRateLimiter({ adapter, limit: 1, windowMs: 1_000 })
    await limiter.consume('key')
    await limiter.reset('key')
    expect((await limiter.consume('key')).allowed).toBe(true)
  })

  it('charges each policy its own cost, and nothing in any when one refuses', async () => {
    const limiter = createRateLimiter({
      adapter,
      policies: [
        { name: 'requests', limit: 10, windowMs: 1_000, algorithm: 'fixed-window' },
        { name: 'bytes', limit: 100, windowMs: 60_000 },
      ],
    })
    const first = await limiter.consume('key', { cost: { bytes: 60 } })
    expect(first.policies.map(({ remaining }) => remaining)).toEqual([9, 40])
    const refused = await limiter.consume('key', { cost: { bytes: 60 } })
    expect(refused).toMatchObject({ allowed: false, violated: ['bytes'], retryAfterMs: 60_000 })
    expect(refused.policies.map(({ remaining }) => remaining)).toEqual([9, 40])
  })

  it('applies another limit at once to what was used', async () => {
    const policy = { name: 'p', windowMs: 1_000 }
    const before = createRateLimiter({ adapter, policies: [{ ...policy, limit: 5 }] })
    for (let hit = 0; hit < 4; hit += 1) await before.consume('key')
    const other = { ...adapter }
    const lowered = createRateLimiter({ adapter: other, policies: [{ ...policy, limit: 2 }] })
    expect(await lowered.consume('key')).toMatchObject({ allowed: false, policies: [{ remaining: 0 }] })
    const raised = createRateLimiter({ adapter: { ...adapter }, policies: [{ ...policy, limit: 10 }] })
    expect(await raised.consume('key')).toMatchObject({ allowed: true, policies: [{ remaining: 5 }] })
  })

  it.each(['sliding-window-log', 'fixed-window'] as const)(
    'gives no unit back when the clock steps back, and makes nobody wait longer than a window (%s)',
    async (algorithm) => {
      const limiter = createRateLimiter({ adapter, limit: 2, windowMs: 1_000, algorithm })
      await limiter.consume('key', { cost: 2 })
      clock.advance(-3_600_000)
      expect(await limiter.consume('key')).toMatchObject({ allowed: false, retryAfterMs: 1_000 })
      clock.advance(999)
      expect(await limiter.consume('key')).toMatchObject({ allowed: false, retryAfterMs: 1 })
      clock.advance(1)
      expect(await limiter.consume('key')).toMatchObject({ allowed: true })
    },
  )

  it('gives no unit of a counter back when the clock steps back over the end of a window', async () => {
    const limiter = createRateLimiter({ adapter, limit: 10, windowMs: 1_000, algorithm: 'sliding-window-counter' })
    const { receipt } = await limiter.consume('key', { cost: 8 })
    clock.advance(1_001)
    await limiter.consume('key')
    clock.advance(-2)
    expect(await limiter.consume('key')).toMatchObject({ allowed: true, policies: [{ remaining: 0 }] })
    expect(await limiter.consume('key')).toMatchObject({ allowed: false })
    await receipt?.refund()
    expect((await limiter.peek('key')).policies).toMatchObject([{ remaining: 8 }])
  })

  it('takes a clock that has fractions of milliseconds', async () => {
    const ticking = makeAdapter(() => clock.now() + 0.6)
    const limiter = createRateLimiter({ adapter: ticking, limit: 2, windowMs: 1_000, algorithm: 'sliding-window-counter' })
    expect((await limiter.consume('key')).policies).toMatchObject([{ remaining: 1, nextMs: 2_000 }])
  })

  it('fills a token bucket by the refill, and no faster when the clock steps back', async () => {
    const limiter = createRateLimiter({ adapter, limit: 4, windowMs: 1_000, refill: 2, algorithm: 'token-bucket' })
    expect(await limiter.consume('key', { cost: 4 })).toMatchObject({ policies: [{ remaining: 0, nextMs: 500, fullMs: 2_000 }] })
    clock.advance(-3_600_000)
    expect(await limiter.consume('key')).toMatchObject({ allowed: false, retryAfterMs: 500 })
    clock.advance(499)
    expect(await limiter.consume('key')).toMatchObject({ allowed: false, retryAfterMs: 1 })
    clock.advance(1)
    expect(await limiter.consume('key')).toMatchObject({ allowed: true, policies: [{ remaining: 0 }] })
  })

  it('refuses costs and keys that are none, and charges nothing', async () => {
    const limiter = createRateLimiter({ adapter, limit: 2, windowMs: 1_000 })
    for (const cost of [-1, Number.NaN, 1.5, Number.POSITIVE_INFINITY, 2 ** 53]) {
      await expect(limiter.consume('key', { cost })).rejects.toThrow(RangeError)
    }
    await expect(limiter.consume('key', { cost: { other: 1 } })).rejects.toThrow(/"other"/)
    await expect(Reflect.apply(limiter.consume, undefined, [undefined])).rejects.toThrow(TypeError)
    await expect(Reflect.apply(limiter.consume, undefined, ['key', { cost: '2' }])).rejects.toThrow(/got "2"/)
    await expect(Reflect.apply(limiter.consume, undefined, ['key', 2])).rejects.toThrow(
      'The options of a call must be an object, got 2',
    )
    await expect(Reflect.apply(limiter.consume, undefined, ['key', { points: 2 }])).rejects.toThrow(
      'Unknown option "points" of a call: there are cost, limit, timeoutMs, signal',
    )
    expect((await limiter.peek('key')).policies).toMatchObject([{ remaining: 2, nextMs: 0 }])
  })
})

describe('while the adapter fails', () => {
  it('counts in this process alone by default, and lets the adapter decide again as soon as it can', async () => {
    const adapter = failing(memoryAdapter())
    const limiter = createRateLimiter({ adapter, limit: 1, windowMs: 60_000 })
    expect(await limiter.consume('key')).toMatchObject({ allowed: true, source: 'local' })
    expect(await limiter.consume('key')).toMatchObject({ allowed: false, source: 'local' })
    adapter.recover()
    expect(await limiter.consume('key')).toMatchObject({ allowed: true, source: 'adapter' })
  })

  it('counts together what limiters of one name count, also where each request makes its own', async () => {
    const adapter = failing(memoryAdapter())
    const decisions = []
    for (let request = 0; request < 3; request += 1) {
      decisions.push(await createRateLimiter({ adapter, limit: 2, windowMs: 60_000 }).consume('key'))
    }
    expect(decisions.map(({ allowed, source }) => [allowed, source])).toEqual([
      [true, 'local'],
      [true, 'local'],
      [false, 'local'],
    ])
    const other = createRateLimiter({ adapter, name: 'other', limit: 1, windowMs: 60_000 })
    expect(await other.consume('key')).toMatchObject({ allowed: true, source: 'local' })
  })

  it('lets everything pass when it fails open', async () => {
    const limiter = createRateLimiter({ adapter: failing(memoryAdapter()), limit: 0, windowMs: 1, failure: 'open' })
    expect(await limiter.consume('key')).toMatchObject({ allowed: true, source: 'open', policies: [], retryAfterMs: 0 })
  })

  it('lets nothing pass when it fails closed', async () => {
    const limiter = createRateLimiter({ adapter: failing(memoryAdapter()), limit: 9, windowMs: 1, failure: 'closed' })
    expect(await limiter.consume('key')).toMatchObject({ allowed: false, source: 'closed', policies: [], violated: [] })
  })

  it('lets new keys pass when even the local limiter is full, never an old one that is over its limit', async () => {
    const adapter = memoryAdapter({ maxStates: 1 })
    const limiter = createRateLimiter({ adapter, limit: 1, windowMs: 60_000, failure: 'open' })
    await limiter.consume('old')
    expect(await limiter.consume('new')).toMatchObject({ allowed: true, source: 'open' })
    expect(await limiter.consume('old')).toMatchObject({ allowed: false, source: 'adapter' })
  })

  it('never hides a bug', async () => {
    const bug = new TypeError('a bug')
    const limiter = createRateLimiter({ adapter: failing(memoryAdapter(), bug), limit: 1, windowMs: 1, failure: 'open' })
    await expect(limiter.consume('key')).rejects.toBe(bug)
  })
})

describe('options', () => {
  const adapter = memoryAdapter()
  const good = { adapter, limit: 1, windowMs: 1_000 }
  const bad: [string, object, RegExp][] = [
    ['no adapter', { adapter: undefined }, /adapter is missing/],
    ['a limit below 0', { limit: -1 }, /limit.*at least 0, got -1/],
    ['a limit that is text', { limit: '10' }, /limit.*got "10"/],
    ['a broken limit', { limit: 1.5 }, /got 1.5/],
    ['no window', { windowMs: undefined }, /windowMs.*got undefined/],
    ['a window of 0', { windowMs: 0 }, /from 1 to/],
    ['an endless window', { windowMs: Number.POSITIVE_INFINITY }, /got Infinity/],
    [
      'an unknown algorithm',
      { algorithm: 'leaky' },
      /'sliding-window-log', 'sliding-window-counter', 'fixed-window', 'token-bucket' or 'concurrency', got "leaky"/,
    ],
    ['a bucket that does not fill', { algorithm: 'token-bucket', refill: 0 }, /refill.*at least 1, got 0/],
    ['a bucket too large to count', { algorithm: 'token-bucket', limit: 2 ** 40, windowMs: 86_400_000 }, /limit times windowMs/],
    ['a refill of what is no bucket', { refill: 1 }, /refill.*for the algorithm token-bucket/],
    ['an unknown anchor', { anchor: 'last' }, /'first' or 'clock', got "last"/],
    ['an unknown failure', { failure: 'fail' }, /'open', 'closed' or 'local', got "fail"/],
    ['a misspelt option', { windowMS: 1 }, /"windowMS"/],
    ['a name that no header can carry', { name: 'müde' }, /printable ASCII/],
    ['policies beside a limit', { policies: [{ name: 'a', limit: 1, windowMs: 1 }] }, /Unknown option/],
    ['no policies', { limit: undefined, windowMs: undefined, policies: [] }, /at least one/],
  ]
  it.each(bad)('refuses %s, and says what is allowed', (_name, changed, message) => {
    expect(() => Reflect.apply(createRateLimiter, undefined, [{ ...good, ...changed }])).toThrow(message)
  })

  it('refuses two policies of one name', () => {
    const policy = { name: 'a', limit: 1, windowMs: 1 }
    expect(() => createRateLimiter({ adapter, policies: [policy, policy] })).toThrow(/Two policies/)
  })

  it('refuses a second limiter of the same name with other policies, and shares the counts of one with the same', async () => {
    const first = createRateLimiter({ ...good, name: 'shared' })
    const second = createRateLimiter({ ...good, name: 'shared' })
    await first.consume('key')
    expect((await second.consume('key')).allowed).toBe(false)
    expect(() => createRateLimiter({ ...good, name: 'shared', limit: 2 })).toThrow(/name of its own/)
  })
})
