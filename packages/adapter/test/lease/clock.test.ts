import type { Adapter } from '@holdfast/adapter'
import { acquire, acquireLease, extend, newToken, release } from '@holdfast/adapter/lease'
import { memoryAdapter } from '@holdfast/adapter/memory'
import { counting, fakeClock, handClock } from '@holdfast/adapter/testing'
import { eachAdapter } from '@holdfast/test/adapters'
import { describe, expect, it } from '@jest/globals'

const START = 1_700_000_000_000
const HOUR_MS = 3_600_000

eachAdapter((makeAdapter) => {
  function ask(adapter: ReturnType<typeof makeAdapter>, token: string, wait = true) {
    return adapter.run(acquire, '{k}', { token, leaseMs: 1_000, permits: 1, wait, address: 'inbox' })
  }

  it.each([1, 999, 5_000, HOUR_MS])(
    'has one holder, who holds it for one lease, when the clock is set back by %i ms',
    async (byMs) => {
      const clock = fakeClock(START)
      const adapter = makeAdapter(clock.now)
      const [ann, bob, cid] = [newToken(), newToken(), newToken()]
      const first = await ask(adapter, ann)
      clock.advance(-byMs)
      expect(await ask(adapter, bob)).toMatchObject({ state: 'waiting' })
      expect(await ask(adapter, cid, false)).toEqual({ state: 'busy', retryInMs: 1_000 })
      clock.advance(999)
      expect(await ask(adapter, bob)).toMatchObject({ state: 'waiting' })
      clock.advance(1)
      const second = await ask(adapter, bob)
      expect(second).toMatchObject({ state: 'held' })
      expect('fence' in second && 'fence' in first && second.fence > first.fence).toBe(true)
      expect(await adapter.run(extend, '{k}', { token: ann, leaseMs: 1_000 })).toBe(false)
    },
  )

  it('forgets a waiter that is dead after 5 s, also when the clock is set back meanwhile', async () => {
    const clock = fakeClock(START)
    const adapter = makeAdapter(clock.now)
    const [ann, bob] = [newToken(), newToken()]
    await ask(adapter, ann)
    await ask(adapter, bob)
    clock.advance(-HOUR_MS)
    await adapter.run(extend, '{k}', { token: ann, leaseMs: 60_000 })
    clock.advance(5_000)
    expect(await adapter.run(release, '{k}', { token: bob })).toBe(false)
    await adapter.run(release, '{k}', { token: ann })
    expect(await ask(adapter, newToken(), false)).toMatchObject({ state: 'held' })
  })

  it('answers a call whose reply was lost as before, and lets no other in', async () => {
    const clock = fakeClock(START)
    const adapter = makeAdapter(clock.now)
    const ann = newToken()
    const first = await ask(adapter, ann)
    clock.advance(900)
    expect(await ask(adapter, ann)).toEqual(first)
    clock.advance(900)
    expect(await ask(adapter, newToken())).toMatchObject({ state: 'waiting' })
  })
})

describe('a line, by a clock by hand', () => {
  const leaseMs = 3_000

  function stage() {
    const clock = fakeClock(START)
    const adapter = counting(memoryAdapter({ now: clock.now }))
    return { adapter, alarms: handClock(clock.advance) }
  }

  it('asks again where the answer comes after the lease', async () => {
    const { adapter, alarms } = stage()
    const run: Adapter['run'] = async (...call) => {
      const answer = await adapter.run(...call)
      if (adapter.counts.run === 1) await alarms.advance(leaseMs)
      return answer
    }
    const lease = await acquireLease({ ...adapter, run }, '{k}', { leaseMs, alarms })
    expect([adapter.counts.run, lease?.since]).toEqual([2, alarms.now()])
  })

  it('sends at most a command a second for each who waits, while a holder renews for a minute', async () => {
    const { adapter, alarms } = stage()
    const held = await acquireLease(adapter, '{k}', { leaseMs })
    const line = Array.from({ length: 5 }, () => acquireLease(adapter, '{k}', { leaseMs, waitMs: 90_000, alarms }))
    await alarms.advance(1)
    adapter.reset()
    for (let second = 1; second <= 60; second += 1) {
      await alarms.advance(1_000)
      await adapter.run(extend, '{k}', { token: held?.token ?? '', leaseMs })
    }
    expect(adapter.counts.run - 60).toBeLessThanOrEqual(5 * 60)
    for (const waiting of line) {
      await adapter.run(release, '{k}', { token: held?.token ?? '' })
      const lease = await waiting
      await adapter.run(release, '{k}', { token: lease?.token ?? '' })
    }
  })

  it('goes on within two seconds when its head was killed, and within one of its lease when its holder was', async () => {
    const { adapter, alarms } = stage()
    const held = await acquireLease(adapter, '{k}', { leaseMs })
    const dead = { token: newToken(), leaseMs, permits: 1, wait: true, address: 'inbox:of-a-dead-process' }
    await adapter.run(acquire, '{k}', dead)
    const next = acquireLease(adapter, '{k}', { leaseMs, waitMs: 20_000, alarms })
    const last = acquireLease(adapter, '{k}', { leaseMs, waitMs: 20_000, alarms })
    await alarms.advance(100)
    await adapter.run(release, '{k}', { token: held?.token ?? '' })
    const releasedAt = alarms.now()
    await alarms.advance(2_000)
    expect((await next)?.since).toBeLessThanOrEqual(releasedAt + 2_000)
    const takenAt = (await next)?.since ?? 0
    await alarms.advance(4_000)
    expect((await last)?.since).toBeLessThanOrEqual(takenAt + leaseMs + 1_000) // nobody gave it back
  })
})
