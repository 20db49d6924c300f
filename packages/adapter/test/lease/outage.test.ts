import { AdapterUnavailableError } from '@holdfast/adapter'
import { acquireLease, askForLease, inboxOf, release } from '@holdfast/adapter/lease'
import { memoryAdapter } from '@holdfast/adapter/memory'
import { redisAdapter } from '@holdfast/adapter/redis'
import { counting, failing, fakeClock, handClock } from '@holdfast/adapter/testing'
import { type RedisProxy, type RedisServer, startProxy, startRedisServer } from '@holdfast/test/redis'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'

const leaseMs = 60_000
let server: RedisServer
let proxy: RedisProxy
beforeAll(async () => {
  server = await startRedisServer()
  proxy = await startProxy(server.port)
})
afterAll(async () => {
  await proxy.stop()
  await server.stop()
})

describe('Redis that forgets', () => {
  it('gives greater fences over 100 FLUSHALLs, and over a restart', async () => {
    const adapter = redisAdapter({ url: server.url })
    let last = 0
    async function next(): Promise<void> {
      const lease = await acquireLease(adapter, '{k}', { leaseMs, waitMs: 5_000 })
      expect(lease?.fence).toBeGreaterThan(last)
      last = lease?.fence ?? 0
    }
    for (let round = 0; round < 100; round += 1) {
      await next()
      await server.command('FLUSHALL')
    }
    await adapter.close()
    await server.kill()
    await server.start()
    const again = redisAdapter({ url: server.url })
    const lease = await acquireLease(again, '{k}', { leaseMs })
    expect(lease?.fence).toBeGreaterThan(last)
    await again.close()
  })
})

// In real time: some hundred milliseconds.
describe('a connection that is lost', () => {
  it('is a gap: whoever waits looks again', async () => {
    const adapter = redisAdapter({ url: proxy.url })
    const inbox = inboxOf(adapter)
    const listening = inbox.listen('a name')
    await listening.wait(60_000) // until the subscription stands
    expect(inbox.address).toMatch(/^inbox:/)
    const woken = listening.wait(60_000)
    proxy.cut()
    await woken
    listening.stop()
    await adapter.close()
  })

  it('costs a waiter no more than a look: it gets its turn when the connection is back', async () => {
    const holder = redisAdapter({ url: server.url })
    const adapter = redisAdapter({ url: proxy.url })
    const held = await acquireLease(holder, '{lost}', { leaseMs })
    const waiting = acquireLease(adapter, '{lost}', { leaseMs, waitMs: 20_000 })
    await inboxOf(adapter).listen('when it is heard').wait(60_000)
    await proxy.refuse()
    await holder.run(release, '{lost}', { token: held?.token ?? '' })
    setTimeout(() => void proxy.restore(), 1_500)
    expect(await waiting).toMatchObject({ fence: expect.any(Number) })
    await adapter.close()
    await holder.close()
  })
})

// By a clock by hand.
describe('a waiter', () => {
  it('looks by itself where nobody can tell it, and listens as soon as it can', async () => {
    const memory = memoryAdapter()
    let refusing = true
    const subscribe: typeof memory.events.subscribe = (channel, listener) =>
      refusing ? Promise.reject(new AdapterUnavailableError('no SUBSCRIBE')) : memory.events.subscribe(channel, listener)
    const adapter = counting({ ...memory, events: { ...memory.events, subscribe } })
    const alarms = handClock()
    const held = await acquireLease(adapter, '{k}', { leaseMs })
    const waiting = acquireLease(adapter, '{k}', { leaseMs, waitMs: 60_000, alarms })
    await alarms.advance(10_000)
    expect(inboxOf(adapter).address).toBe('')
    expect(adapter.counts.run).toBeLessThanOrEqual(12)
    refusing = false
    await alarms.advance(1_000)
    expect(inboxOf(adapter).address).toMatch(/^inbox:/)
    await adapter.run(release, '{k}', { token: held?.token ?? '' })
    expect(await waiting).toBeDefined()
  })

  it('survives an AdapterError for as long as its place may stand, and no longer', async () => {
    const adapter = failing(memoryAdapter())
    adapter.recover()
    const alarms = handClock()
    await acquireLease(adapter, '{k}', { leaseMs })
    const waiting = acquireLease(adapter, '{k}', { leaseMs, waitMs: 60_000, alarms })
    let error: unknown
    waiting.catch((reason: unknown) => {
      error = reason
    })
    await alarms.advance(100)
    adapter.fail()
    await alarms.advance(4_900)
    adapter.recover()
    await alarms.advance(2_000)
    adapter.fail()
    await alarms.advance(4_900)
    expect(error).toBeUndefined()
    await alarms.advance(2_200)
    expect(error).toBeInstanceOf(AdapterUnavailableError)
  })
})

it('says when to ask again where there is none', async () => {
  const clock = fakeClock()
  const adapter = memoryAdapter({ now: clock.now })
  const alarms = handClock(clock.advance)
  await acquireLease(adapter, '{k}', { leaseMs })
  clock.advance(1_000)
  expect(await askForLease(adapter, '{k}', { leaseMs })).toEqual({ state: 'busy', retryInMs: 59_000 })
  const waiting = askForLease(adapter, '{k}', { leaseMs, waitMs: 3_000, alarms })
  await alarms.advance(3_000)
  expect(await waiting).toEqual({ state: 'busy', retryInMs: 56_000 })
})
