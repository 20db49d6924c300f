import { type RedisProxy, type RedisServer, refusingOutages, startProxy, startRedisServer } from '@holdfast/test/redis'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { acquiredAtLast, atEnd, locksOn, TYPED } from './outage-stage.ts'

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

// In real time: deadlines go by it. Some hundred milliseconds each.
describe.each(refusingOutages(() => ({ server, proxy })))('while Redis %s', (_what, outage) => {
  it('calls fail in time, release gives nothing back, who waits waits on, and all goes on afterwards', async () => {
    const locks = locksOn(proxy.url)
    const held = await acquiredAtLast(locks, 'held')
    const given = await acquiredAtLast(locks, 'given')
    const waiting = locks.acquire('held')
    expect(await locks.tryAcquire('held')).toBeUndefined() // steps of one key keep their order: the other is in line
    await outage.begin()
    atEnd(outage.end)
    const started = performance.now()
    await expect(locks.acquire('k')).rejects.toMatchObject({ code: TYPED })
    await expect(locks.tryAcquire('k')).rejects.toMatchObject({ code: TYPED })
    await expect(locks.withLock('k', () => {}, { waitMs: 60_000 })).rejects.toMatchObject({ code: TYPED })
    await expect(held.extend()).rejects.toMatchObject({ code: TYPED })
    expect(await given.release()).toBe(false)
    expect(performance.now() - started).toBeLessThan(3_500) // each TIMEOUT_MS at most, before the outage is known
    expect(held.isHeld()).toBe(true)
    await outage.end()
    await acquiredAtLast(locks, 'another')
    expect(await held.release()).toBe(true)
    const next = await waiting
    expect(next.fence).toBeGreaterThan(held.fence)
    expect(await next.release()).toBe(true)
  })
})

it('fails by a typed error where Redis was never there, and where the password is wrong', async () => {
  const gone = await startProxy(server.port)
  await gone.stop()
  for (const url of [gone.url, server.url.replace('//', '//nobody:wrong@')]) {
    const locks = locksOn(url)
    await expect(locks.acquire('k', { waitMs: 60_000 })).rejects.toMatchObject({ code: TYPED })
    await expect(locks.withLock('k', () => {})).rejects.toMatchObject({ code: TYPED })
  }
})
