import { once } from 'node:events'
import { redisAdapter } from '@holdfast/adapter/redis'
import { createLocks, type Lock, LockLostError } from '@holdfast/lock'
import { ownPrefix, type RedisServer, startProxy, startRedisCluster, startRedisServer } from '@holdfast/test/redis'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { Cluster } from 'ioredis'
import { acquiredAtLast, atEnd, locksOn, TIMEOUT_MS, TYPED } from './outage-stage.ts'

// In real time: deadlines and leases go by it. Some seconds each at most.
let server: RedisServer
beforeAll(async () => {
  server = await startRedisServer()
})
afterAll(() => server.stop())

function lost(lock: Lock): Promise<unknown> {
  return new Promise((resolve) => lock.signal.addEventListener('abort', () => resolve(lock.signal.reason)))
}

describe('while Redis is frozen', () => {
  it('fails in time, gives nothing back, and goes on when it is back', async () => {
    const locks = locksOn(server.url)
    const held = await locks.acquire('held')
    const given = await locks.acquire('given')
    server.freeze()
    atEnd(() => server.thaw())
    const started = performance.now()
    await expect(locks.acquire('k')).rejects.toMatchObject({ code: TYPED })
    await expect(locks.tryAcquire('k')).rejects.toMatchObject({ code: TYPED })
    await expect(locks.withLock('k', () => {})).rejects.toMatchObject({ code: TYPED })
    await expect(held.extend()).rejects.toMatchObject({ code: TYPED })
    expect(await given.release()).toBe(false)
    expect(performance.now() - started).toBeLessThan(3_500)
    expect(held.isHeld()).toBe(true)
    server.thaw()
    await acquiredAtLast(locks, 'another', 3_000)
    expect(await held.release()).toBe(true)
  })

  it('has given back, when it is back, what was released, and what a call that timed out may have taken', async () => {
    const locks = locksOn(server.url, 3_600_000)
    const given = await locks.acquire('given')
    server.freeze()
    atEnd(() => server.thaw())
    const calls = [given.release(), locks.acquire('k'), locks.tryAcquire('another')]
    expect(await Promise.allSettled(calls)).toMatchObject([
      { value: false },
      { reason: { code: TYPED } },
      { reason: { code: TYPED } },
    ])
    server.thaw()
    for (const key of ['given', 'k', 'another']) await acquiredAtLast(locks, key, 3_000)
  })

  it('loses a lease that cannot be renewed, and throws nowhere', async () => {
    const locks = locksOn(server.url, 1_000)
    const held = await locks.acquire('k')
    server.freeze()
    atEnd(() => server.thaw())
    expect(await lost(held)).toEqual(new LockLostError('k', held.fence))
    expect(await held.release()).toBe(false)
    server.thaw()
    const next = await acquiredAtLast(locks, 'k')
    expect(next.fence).toBeGreaterThan(held.fence)
    expect(await next.release()).toBe(true)
  })
})

describe('when Redis forgets', () => {
  it('tells the holder after FLUSHALL, and gives a greater fence', async () => {
    const locks = locksOn(server.url, 900)
    const held = await locks.acquire('k')
    await server.command('FLUSHALL')
    expect(await lost(held)).toEqual(new LockLostError('k', held.fence))
    const next = await locks.acquire('k')
    expect(next.fence).toBeGreaterThan(held.fence)
    expect(await held.release()).toBe(false)
    expect(await next.release()).toBe(true)
  })

  it('keeps a waiter waiting through a FLUSHALL, and serves it', async () => {
    const locks = locksOn(server.url)
    const held = await locks.acquire('k')
    const waiting = locks.acquire('k')
    expect(await locks.tryAcquire('k')).toBeUndefined()
    await server.command('FLUSHALL')
    expect((await waiting).fence).toBeGreaterThan(held.fence)
  })

  it('tells the holder after a restart without its data, and gives a greater fence', async () => {
    const locks = locksOn(server.url, 2_000)
    const held = await locks.acquire('k')
    await server.kill()
    expect(await (await locks.acquire('other').catch(() => undefined))?.release()).toBeUndefined()
    await server.start()
    expect(await lost(held)).toEqual(new LockLostError('k', held.fence))
    const next = await acquiredAtLast(locks, 'k')
    expect(next.fence).toBeGreaterThan(held.fence)
    expect(await held.release()).toBe(false)
    expect(await next.release()).toBe(true)
  })

  it('keeps a lock through a restart with its data, though it loads for a while', async () => {
    const locks = locksOn(server.url, 20_000)
    const held = await locks.acquire('k')
    await server.restart(500)
    await expect(locks.tryAcquire('other')).rejects.toMatchObject({ code: TYPED })
    await server.ready()
    await acquiredAtLast(locks, 'another')
    expect(await locks.tryAcquire('k')).toBeUndefined()
    expect(await held.release()).toBe(true)
  })
})

describe('when replies are lost', () => {
  it('tells the caller, lets no second one in, and survives renewals that were lost', async () => {
    const proxy = await startProxy(server.port)
    atEnd(() => proxy.stop())
    const locks = locksOn(proxy.url, 3_000)
    const held = await locks.acquire('k')
    proxy.cutReplies()
    await expect(locks.acquire('other')).rejects.toMatchObject({ code: TYPED })
    await held.extend().catch((error: unknown) => expect(error).toMatchObject({ code: TYPED }))
    await proxy.restore()
    await acquiredAtLast(locks, 'another')
    expect(await held.extend()).toBe(true)
    expect(await locks.tryAcquire('k')).toBeUndefined()
    expect(await held.release()).toBe(true)
    await acquiredAtLast(locks, 'other') // what was taken and nobody knows of ends by itself
  })
})

describe('when a Cluster forgets, or loses a master', () => {
  it('goes on: nothing hangs, nothing is thrown where nobody listens, fences grow', async () => {
    const cluster = await startRedisCluster({ replicasPerMaster: 1 })
    atEnd(() => cluster.stop())
    const prefix = ownPrefix()
    const client = new Cluster(
      cluster.nodes.map(({ host, port }) => ({ host, port })),
      { retryDelayOnFailover: 0 },
    )
    client.on('error', () => {}) // while the master is away
    await once(client, 'ready')
    const adapter = redisAdapter({ client, prefix, timeoutMs: TIMEOUT_MS })
    atEnd(async () => {
      await adapter.close()
      client.disconnect()
    })
    const locks = createLocks({ adapter, leaseMs: 2_000 })
    const forgotten = await locks.acquire('k')
    for (const node of client.nodes('master')) await node.flushall()
    expect(await forgotten.release()).toBe(false)
    const held = await locks.acquire('k')
    expect(held.fence).toBeGreaterThan(forgotten.fence)
    const waiting = locks.acquire('k').catch((error: unknown) => error)
    await cluster.failover(await cluster.masterOf(`${prefix}lock:default:{k}`))
    expect(typeof (await held.release())).toBe('boolean')
    const waited = await waiting
    if (waited instanceof Error) expect(waited).toMatchObject({ code: TYPED })
    else if (isLock(waited)) expect(await waited.release()).toBe(true)
    const next = await acquiredAtLast(locks, 'k', 15_000)
    expect(next.fence).toBeGreaterThan(held.fence)
    expect(await next.release()).toBe(true)
  }, 60_000)
})

function isLock(value: unknown): value is Lock {
  return typeof value === 'object' && value !== null && 'release' in value
}
