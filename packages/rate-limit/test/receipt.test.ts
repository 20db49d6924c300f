import type { Adapter } from '@holdfast/adapter'
import { failing, fakeClock } from '@holdfast/adapter/testing'
import { createRateLimiter, type RateLimiter } from '@holdfast/rate-limit'
import { eachAdapter } from '@holdfast/test/adapters'
import { beforeEach, describe, expect, it } from '@jest/globals'

const START = Date.UTC(2025, 5, 1)
const algorithms = ['sliding-window-log', 'sliding-window-counter', 'fixed-window', 'token-bucket'] as const

eachAdapter((makeAdapter) => {
  const clock = fakeClock(START)
  let adapter: Adapter
  beforeEach(() => {
    clock.set(START)
    adapter = makeAdapter(clock.now)
  })

  async function left(limiter: RateLimiter): Promise<(number | undefined)[]> {
    return (await limiter.peek('key')).policies.map(({ remaining }) => remaining)
  }

  describe.each(algorithms)('%s', (algorithm) => {
    it('gives back exactly the charge, once', async () => {
      const limiter = createRateLimiter({ adapter, limit: 10, windowMs: 1_000, algorithm })
      const { receipt } = await limiter.consume('key', { cost: 4 })
      clock.advance(1)
      await limiter.consume('key', { cost: 2 })
      expect(await receipt?.refund()).toBe(true)
      expect(await left(limiter)).toEqual([8])
      expect(await receipt?.refund()).toBe(false)
      expect(await receipt?.commit(3)).toBe(false)
      expect(await left(limiter)).toEqual([8])
    })

    it('gives nothing back when the window of the charge is over', async () => {
      const limiter = createRateLimiter({ adapter, limit: 4, windowMs: 1_000, algorithm })
      const { receipt } = await limiter.consume('key', { cost: 4 })
      clock.advance(2_000)
      await limiter.consume('key', { cost: 4 })
      expect(await receipt?.refund()).toBe(false)
      expect(await left(limiter)).toEqual([0])
    })

    it('gives nothing back of what was charged before a reset', async () => {
      const limiter = createRateLimiter({ adapter, limit: 4, windowMs: 1_000, algorithm })
      const { receipt } = await limiter.consume('key', { cost: 2 })
      await limiter.reset('key')
      clock.advance(1)
      await limiter.consume('key', { cost: 4 })
      expect(await receipt?.refund()).toBe(false)
      expect(await left(limiter)).toEqual([0])
    })

    it('charges what is known only afterwards, over the limit as well, and gives that back', async () => {
      const limiter = createRateLimiter({ adapter, limit: 10, windowMs: 1_000, algorithm })
      const { receipt } = await limiter.consume('key', { cost: 2 })
      await receipt?.commit(5)
      expect(await left(limiter)).toEqual([5])
      await receipt?.commit(12)
      expect(await limiter.consume('key')).toMatchObject({ allowed: false, policies: [{ remaining: 0 }] })
      await receipt?.refund()
      expect(await left(limiter)).toEqual([10])
    })

    it('charges by commit what reserved nothing', async () => {
      const limiter = createRateLimiter({ adapter, limit: 10, windowMs: 1_000, algorithm })
      const { receipt } = await limiter.consume('key', { cost: 0 })
      clock.advance(5)
      await receipt?.commit(3)
      expect(await left(limiter)).toEqual([7])
      await receipt?.refund()
      expect(await left(limiter)).toEqual([10])
    })

    it('charges again by commit what a commit has given back as a whole', async () => {
      const limiter = createRateLimiter({ adapter, limit: 10, windowMs: 1_000, algorithm })
      const { receipt } = await limiter.consume('key', { cost: 4 })
      expect(await receipt?.commit(0)).toBe(true)
      expect(await left(limiter)).toEqual([10])
      expect(await receipt?.commit(3)).toBe(true)
      expect(await left(limiter)).toEqual([7])
      expect(await receipt?.refund()).toBe(true)
      expect(await left(limiter)).toEqual([10])
    })

    it('does what it is told one after the other, also when nobody waits', async () => {
      const limiter = createRateLimiter({ adapter, limit: 10, windowMs: 1_000, algorithm })
      const { receipt } = await limiter.consume('key', { cost: 0 })
      expect(await Promise.all([receipt?.commit(3), receipt?.commit(4), receipt?.refund(), receipt?.commit(5)])).toEqual([
        true,
        true,
        true,
        false,
      ])
      expect(await left(limiter)).toEqual([10])
    })

    it('applies the limit of a call at once', async () => {
      const limiter = createRateLimiter({ adapter, limit: 4, windowMs: 1_000, algorithm })
      await limiter.consume('key', { cost: 4 })
      expect(await limiter.consume('key', { limit: 6 })).toMatchObject({ allowed: true, policies: [{ limit: 6, remaining: 1 }] })
      expect(await limiter.consume('key', { limit: 2 })).toMatchObject({ allowed: false, policies: [{ limit: 2, remaining: 0 }] })
      await expect(limiter.consume('key', { limit: -1 })).rejects.toThrow(/limit.*at least 0, got -1/)
      await expect(limiter.consume('key', { limit: { other: 1 } })).rejects.toThrow(/"other"/)
    })
  })

  it('charges by a commit after one that failed, and gives no unit back that may never have been charged', async () => {
    const outage = failing(adapter)
    outage.recover()
    const limiter = createRateLimiter({ adapter: outage, limit: 20, windowMs: 1_000 })
    const first = await limiter.consume('key', { cost: 2 })
    const second = await limiter.consume('key', { cost: 2 })
    await limiter.consume('key', { cost: 9 })
    outage.fail()
    expect(await Promise.all([first.receipt?.commit(6), second.receipt?.commit(1)])).toEqual([false, false])
    outage.recover()
    expect(await second.receipt?.commit(1)).toBe(false)
    expect(await second.receipt?.refund()).toBe(true)
    expect(await left(limiter)).toEqual([8])
    expect(await first.receipt?.commit(6)).toBe(true)
    expect(await left(limiter)).toEqual([4])
    expect(await first.receipt?.refund()).toBe(true)
    expect(await left(limiter)).toEqual([10])
  })

  it('gives nothing back to a bucket that has filled up since', async () => {
    const limiter = createRateLimiter({ adapter, limit: 5, windowMs: 1_000, refill: 1, algorithm: 'token-bucket' })
    const first = await limiter.consume('key')
    const second = await limiter.consume('another', { cost: 2 })
    clock.advance(1_000)
    await limiter.consume('key', { cost: 5 })
    expect(await first.receipt?.refund()).toBe(false)
    expect(await left(limiter)).toEqual([0])
    expect(await second.receipt?.refund()).toBe(true)
  })

  it('counts every commit of an exact log, also when there are more than its limit has hits', async () => {
    const limiter = createRateLimiter({ adapter, limit: 5, windowMs: 1_000 })
    const decisions = await Promise.all(Array.from({ length: 12 }, () => limiter.consume('key', { cost: 0 })))
    for (const { receipt } of decisions) {
      await receipt?.commit(1)
      clock.advance(10)
    }
    clock.advance(1_000 - 50)
    expect(await left(limiter)).toEqual([1])
    clock.advance(10)
    expect(await left(limiter)).toEqual([2])
  })

  it('counts what a shadow policy would have refused as free, and refuses nothing by it', async () => {
    const limiter = createRateLimiter({
      adapter,
      policies: [
        { name: 'now', limit: 3, windowMs: 1_000 },
        { name: 'next', limit: 1, windowMs: 1_000, shadow: true },
      ],
    })
    await limiter.consume('key')
    const second = await limiter.consume('key')
    expect(second).toMatchObject({ allowed: true, retryAfterMs: 0, violated: [] })
    expect(second.policies.map(({ remaining, violated }) => [remaining, violated])).toEqual([
      [1, false],
      [0, true],
    ])
    await second.receipt?.refund()
    expect(await left(limiter)).toEqual([2, 0])
  })

  it('blocks a key whatever is left, until it ends or is ended', async () => {
    const limiter = createRateLimiter({ adapter, limit: 3, windowMs: 1_000 })
    expect(await limiter.block('key', 5_000)).toBe(5_000)
    expect(await limiter.block('key', 100)).toBe(5_000)
    expect(await limiter.consume('key')).toMatchObject({ allowed: false, blocked: true, violated: [], retryAfterMs: 5_000 })
    clock.advance(4_999)
    expect(await limiter.peek('key')).toMatchObject({ allowed: false, blocked: true, retryAfterMs: 1 })
    clock.advance(1)
    expect(await limiter.consume('key')).toMatchObject({ allowed: true, blocked: false })
    await limiter.block('key', 5_000)
    expect(await limiter.unblock('key')).toBe(true)
    expect(await limiter.unblock('key')).toBe(false)
    expect(await limiter.consume('key')).toMatchObject({ allowed: true, policies: [{ remaining: 1 }] })
    await expect(limiter.block('key')).rejects.toThrow(/penalty/)
    await expect(limiter.block('key', 0)).rejects.toThrow(/durationMs.*got 0/)
  })

  it('blocks repeat offenders for longer each time, and forgets them', async () => {
    const penalty = { baseMs: 2_000, factor: 2, maxMs: 5_000 }
    const limiter = createRateLimiter({ adapter, limit: 1, windowMs: 1_000, penalty })
    for (const lastsMs of [2_000, 4_000, 5_000, 5_000]) {
      await limiter.consume('key')
      expect(await limiter.consume('key')).toMatchObject({ violated: ['default'], blocked: false, retryAfterMs: lastsMs })
      clock.advance(lastsMs - 1)
      expect(await limiter.consume('key')).toMatchObject({ blocked: true, violated: [], retryAfterMs: 1 })
      clock.advance(1)
    }
    clock.advance(5_000)
    await limiter.consume('key')
    expect(await limiter.consume('key')).toMatchObject({ allowed: false, retryAfterMs: 2_000 })
  })

  it('gives units for as long as they are held', async () => {
    const limiter = createRateLimiter({ adapter, limit: 2, algorithm: 'concurrency', leaseMs: 600_000 })
    const first = await limiter.consume('key')
    clock.advance(1_000)
    const second = await limiter.consume('key')
    expect(await limiter.consume('key')).toMatchObject({ allowed: false, violated: ['default'], retryAfterMs: 599_000 })
    expect(await first.receipt?.release()).toBe(true)
    expect(await first.receipt?.release()).toBe(false)
    expect(await left(limiter)).toEqual([1])
    expect(await second.receipt?.refund()).toBe(true)
    expect(await left(limiter)).toEqual([2])
    await limiter.consume('key', { cost: 2 })
    clock.advance(600_000)
    expect(await left(limiter)).toEqual([2])
  })
})
