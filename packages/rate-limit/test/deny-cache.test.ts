import type { Adapter } from '@holdfast/adapter'
import { counting, fakeClock } from '@holdfast/adapter/testing'
import { createRateLimiter } from '@holdfast/rate-limit'
import { eachAdapter } from '@holdfast/test/adapters'
import { beforeEach, expect, it } from '@jest/globals'

const START = Date.UTC(2025, 5, 1)

eachAdapter((makeAdapter) => {
  const clock = fakeClock(START)
  let made: Adapter
  beforeEach(() => {
    clock.set(START)
    made = makeAdapter(clock.now)
  })

  function setUp(options: { limit: number; penalty?: { baseMs: number } } = { limit: 2 }) {
    const adapter = counting(made)
    return { adapter, limiter: createRateLimiter({ adapter, windowMs: 60_000, denyCache: true, ...options }) }
  }

  it('refuses again without the adapter, as the adapter would, until the call passes', async () => {
    const { adapter, limiter } = setUp()
    await limiter.consume('key', { cost: 2 })
    await limiter.consume('key')
    await made.events.subscribe('another', () => {}) // so the limiter's own subscription stands
    await limiter.consume('key')
    const asked = adapter.counts.run
    clock.advance(1_000)
    const known = await limiter.consume('key')
    const costly = await limiter.consume('key', { cost: 2 })
    expect(adapter.counts.run).toBe(asked)
    expect(costly.allowed).toBe(false)
    expect(known).toEqual(await limiter.peek('key'))
    clock.advance(59_000)
    expect(await limiter.consume('key')).toMatchObject({ allowed: true })
  })

  it.each(['refund', 'reset', 'other limit', 'never'] as const)('asks the adapter again after: %s', async (what) => {
    const { limiter } = setUp()
    const { receipt } = await limiter.consume('key', { cost: 2 })
    await limiter.consume('key')
    await limiter.consume('key')
    if (what === 'refund') await receipt?.refund()
    if (what === 'reset') await limiter.reset('key')
    const { allowed, retryAfterMs } = await limiter.consume('key', {
      ...(what === 'other limit' && { limit: 3 }),
      ...(what === 'never' && { cost: 3 }),
    })
    expect(allowed ? 'allowed' : retryAfterMs).toBe(what === 'never' ? Number.POSITIVE_INFINITY : 'allowed')
  })

  it('remembers a block until it is ended', async () => {
    const { limiter } = setUp({ limit: 1, penalty: { baseMs: 5_000 } })
    await limiter.consume('key')
    expect(await limiter.consume('key')).toMatchObject({ blocked: false, violated: ['default'] })
    expect(await limiter.consume('key')).toMatchObject({ blocked: true, violated: [], retryAfterMs: 60_000 })
    await limiter.unblock('key')
    expect(await limiter.consume('key')).toMatchObject({ blocked: false, violated: ['default'] })
  })

  it('gives a call the wait of its own cost, not that of a costlier one which never passes', async () => {
    const { limiter } = setUp()
    await limiter.consume('key')
    await limiter.block('key', 100)
    expect(await limiter.consume('key', { cost: 3 })).toMatchObject({ blocked: true, retryAfterMs: Number.POSITIVE_INFINITY })
    expect(await limiter.consume('key', { cost: 2 })).toMatchObject({ blocked: true, retryAfterMs: 60_000 })
    expect(await limiter.consume('key')).toMatchObject({ blocked: true, retryAfterMs: 100 })
  })

  it('is one for all limiters of a name, also where each request makes its own', async () => {
    const { adapter } = setUp()
    for (let request = 0; request < 5; request += 1) {
      await createRateLimiter({ adapter, limit: 2, windowMs: 60_000, denyCache: true }).consume('key')
    }
    expect(adapter.counts.subscribe).toBe(1)
  })

  it.each([false, true])('is told when another process frees capacity (of a blocked key: %s)', async (isBlocked) => {
    const { limiter } = setUp()
    const other = createRateLimiter({ adapter: { ...made }, limit: 2, windowMs: 60_000, denyCache: true })
    const { receipt } = await other.consume('key', { cost: 2 })
    if (isBlocked) await other.block('key', 100)
    await limiter.consume('key')
    await made.events.subscribe('another', () => {}) // so the limiter's own subscription stands
    expect(await limiter.consume('key')).toMatchObject({ allowed: false, retryAfterMs: 60_000 })
    const told = new Promise<void>((resolve) => {
      void made.events.subscribe('rate-limit:default', () => resolve())
    })
    await receipt?.refund()
    await told
    expect(await limiter.consume('key')).toMatchObject(isBlocked ? { blocked: true, retryAfterMs: 100 } : { allowed: true })
  })
})
