import { memoryAdapter } from '@holdfast/adapter/memory'
import { fakeClock } from '@holdfast/adapter/testing'
import { createRateLimiter, type RatePolicyOptions } from '@holdfast/rate-limit'
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'

const limits = fc.record({ limit: fc.nat(12), windowMs: fc.constantFrom(1, 7, 100, 1_000) })
const buckets = fc.record({
  limit: fc.nat(12),
  windowMs: fc.constantFrom(1, 7, 100, 1_000),
  refill: fc.integer({ min: 1, max: 9 }),
})

const policies: Record<string, fc.Arbitrary<Omit<RatePolicyOptions, 'name'>>> = {
  log: limits,
  counter: limits.map((policy) => ({ ...policy, algorithm: 'sliding-window-counter' })),
  'fixed window': limits.map((policy) => ({ ...policy, algorithm: 'fixed-window' })),
  'window of the clock': limits.map((policy) => ({ ...policy, algorithm: 'fixed-window', anchor: 'clock' })),
  'token bucket': buckets.map((policy) => ({ ...policy, algorithm: 'token-bucket' })),
}

const calls = fc.array(fc.record({ afterMs: fc.oneof(fc.nat(3), fc.nat(300), fc.nat(1_500)), cost: fc.nat(5) }), {
  maxLength: 40,
})

/** What is allowed over the calls, and what it cost. */
async function admitted(policy: Omit<RatePolicyOptions, 'name'>, asked: { afterMs: number; cost: number }[]) {
  const clock = fakeClock()
  const limiter = createRateLimiter({ adapter: memoryAdapter({ now: clock.now }), ...policy })
  const hits: { at: number; cost: number }[] = []
  for (const { afterMs, cost } of asked) {
    clock.advance(afterMs)
    const { allowed, retryAfterMs } = await limiter.consume('key', { cost })
    if (allowed) hits.push({ at: clock.now(), cost })
    else if (cost > policy.limit) expect(retryAfterMs).toBe(Number.POSITIVE_INFINITY)
    else {
      clock.advance(retryAfterMs - 1)
      expect(await limiter.peek('key', { cost })).toMatchObject({ allowed: false, retryAfterMs: 1 })
      clock.advance(1)
      expect(await limiter.peek('key', { cost })).toMatchObject({ allowed: true })
      clock.advance(-retryAfterMs)
    }
  }
  return hits
}

/** The most units of `hits` in any window that ends with a hit. */
function mostIn(windowMs: number, hits: { at: number; cost: number }[]): number {
  const sums = hits.map(({ at: end }) =>
    hits.filter(({ at }) => end - windowMs < at && at <= end).reduce((sum, { cost }) => sum + cost, 0),
  )
  return Math.max(0, ...sums)
}

describe('a refused call passes in exactly retryAfterMs, and not a millisecond sooner', () => {
  it.each(Object.entries(policies))('%s', async (_name, arbitrary) => {
    await fc.assert(fc.asyncProperty(arbitrary, calls, async (policy, asked) => void (await admitted(policy, asked))))
  })
})

describe('in no window more passes than', () => {
  it('the limit of a log', async () => {
    await fc.assert(
      fc.asyncProperty(limits, calls, async (policy, asked) => {
        expect(mostIn(policy.windowMs, await admitted(policy, asked))).toBeLessThanOrEqual(policy.limit)
      }),
    )
  })

  it('the limit of a token bucket, and what comes back meanwhile', async () => {
    await fc.assert(
      fc.asyncProperty(buckets, calls, async (policy, asked) => {
        const hits = await admitted({ ...policy, algorithm: 'token-bucket' }, asked)
        expect(mostIn(policy.windowMs, hits)).toBeLessThanOrEqual(policy.limit + policy.refill)
      }),
    )
  })
})
