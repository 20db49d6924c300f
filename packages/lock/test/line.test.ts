import type { Adapter } from '@holdfast/adapter'
import { memoryAdapter } from '@holdfast/adapter/memory'
import { redisAdapter } from '@holdfast/adapter/redis'
import { counting, fakeClock, handClock } from '@holdfast/adapter/testing'
import { createLocks } from '@holdfast/lock'
import { eachAdapter, heard } from '@holdfast/test/adapters'
import { commandCounter, ownPrefix, sharedRedisUrl } from '@holdfast/test/redis'
import { expect, it } from '@jest/globals'

// In real time: who waits is woken by events.
eachAdapter((makeAdapter) => {
  it('serves 20 who wait in their order, each woken by the one before', async () => {
    const adapter = counting(makeAdapter(fakeClock().now)) // its clock stands still: on a busy machine nobody is late
    const locks = createLocks({ adapter, leaseMs: 60_000 })
    const first = await locks.acquire('k')
    const order: number[] = []
    const wakes: number[] = []
    let releasedAt = 0
    async function waiter(place: number): Promise<void> {
      const lock = await locks.acquire('k')
      wakes.push(performance.now() - releasedAt)
      order.push(place)
      releasedAt = performance.now()
      await lock.release()
    }
    const waiting: Promise<void>[] = []
    for (let place = 0; place < 20; place += 1) {
      waiting.push(waiter(place))
      expect(await locks.tryAcquire('k')).toBeUndefined() // steps of one key keep their order: now it is in line
    }
    releasedAt = performance.now()
    await first.release()
    await Promise.all(waiting)
    expect(order).toEqual(Array.from({ length: 20 }, (_, place) => place))
    expect(wakes.toSorted((a, b) => a - b)[10]).toBeLessThan(500) // by an event: the next look of its own is a second later
  })
})

it('has each who waits ask at most once a second, by itself, and once more when its turn comes', async () => {
  const clock = fakeClock(1_700_000_000_000)
  const alarms = handClock(clock.advance)
  const memory = memoryAdapter({ now: clock.now })
  const asked = new Map<unknown, number>()
  const adapter: Adapter = {
    ...memory,
    run(operation, key, args, options) {
      const token: unknown = Reflect.get(Object(args), 'token')
      if (operation.name === 'lease.acquire') asked.set(token, (asked.get(token) ?? 0) + 1)
      return memory.run(operation, key, args, options)
    },
  }
  const locks = createLocks({ adapter, alarms })
  const held = await locks.acquire('k')
  const waiting = Array.from({ length: 20 }, () => locks.acquire('k').then(({ release }) => release()))
  await alarms.advance(0) // until all are in line, and are heard
  asked.clear()
  await alarms.advance(60_000)
  expect(asked.size).toBe(20)
  expect(Math.max(...asked.values())).toBeLessThanOrEqual(60)
  asked.clear()
  await held.release()
  expect(await Promise.all(waiting)).toEqual(Array.from({ length: 20 }, () => true))
  expect([...asked.values()]).toEqual(Array.from({ length: 20 }, () => 1))
})

// In real time, three seconds: what clients send is counted by MONITOR.
it('asks Redis two commands for a lock, and at most one a second for each who waits', async () => {
  const prefix = ownPrefix()
  const adapter = redisAdapter({ url: sharedRedisUrl(), prefix })
  const locks = createLocks({ adapter, leaseMs: 60_000 })
  await (await locks.acquire('first')).release() // Redis has both scripts now
  const counter = await commandCounter(sharedRedisUrl(), prefix)
  const lock = await locks.acquire('k')
  expect(await lock.release()).toBe(true)
  expect(await counter.take()).toEqual(['evalsha', 'evalsha'])
  await heard(adapter)
  const held = await locks.acquire('k')
  const waiting = Array.from({ length: 20 }, () => locks.withLock('k', () => {}))
  expect(await locks.tryAcquire('k')).toBeUndefined() // steps of one key keep their order: now all are in line
  await counter.take()
  const startedAt = performance.now()
  await new Promise((resolve) => setTimeout(resolve, 3_000)) // some looks of each
  const commands = (await counter.take()).filter((name) => name !== 'subscribe')
  const seconds = Math.ceil((performance.now() - startedAt) / 1_000)
  expect(commands.length).toBeLessThanOrEqual(20 * seconds)
  await held.release()
  await Promise.all(waiting)
  counter.stop()
  await adapter.close()
})
