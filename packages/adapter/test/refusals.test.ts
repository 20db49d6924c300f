import { defineOperation, type Operation } from '@holdfast/adapter'
import { commandCounter, ownPrefix, type RedisServer, startProxy, startRedisServer } from '@holdfast/test/redis'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { adapterOn, atEnd, ending, fence, firstSuccess, sources, timeout, unavailable } from './outage-stage.ts'
import { acquire } from './sample-operations.ts'

// In real time: each case takes some tens or hundreds of milliseconds.
let server: RedisServer
beforeAll(async () => {
  server = await startRedisServer()
})
afterAll(() => server.stop())

const some = sources.filter(([name]) => ['a client of its own', 'ioredis 5', 'node-redis 6'].includes(name))

describe.each(some)('what Redis refuses, by %s', (_name, makeClient) => {
  async function open() {
    const { adapter } = adapterOn(server.url, makeClient)
    await firstSuccess(() => fence(adapter))
    return adapter
  }

  it('for want of memory is an error of its own, and reads go on', async () => {
    const adapter = await open()
    await server.command('CONFIG', 'SET', 'maxmemory', '1')
    atEnd(() => server.command('CONFIG', 'SET', 'maxmemory', '0'))
    for (let call = 0; call < 5; call += 1) {
      await expect(fence(adapter, '{other}')).rejects.toMatchObject({ ...unavailable, message: expect.stringContaining('OOM') })
      expect(await adapter.get('v')).toBeUndefined()
    }
    await server.command('CONFIG', 'SET', 'maxmemory', '0')
    expect(await fence(adapter, '{other}')).toBe(1)
  })

  it('as a replica is an error, then fails at once, and works within a second of its being master again', async () => {
    const adapter = await open()
    await server.command('REPLICAOF', '127.0.0.1', '1')
    atEnd(() => server.command('REPLICAOF', 'NO', 'ONE'))
    const { error } = await ending(fence(adapter))
    expect(error).toMatchObject({ ...unavailable, message: expect.stringContaining('READONLY') })
    expect((await ending(fence(adapter))).error).toMatchObject(unavailable)
    await server.command('REPLICAOF', 'NO', 'ONE')
    expect(await firstSuccess(() => fence(adapter))).toBeLessThan(1_000)
  })

  it('while a script keeps it busy ends in time, and works when it is free', async () => {
    const adapter = await open()
    await server.command('CONFIG', 'SET', 'busy-reply-threshold', '50')
    const busy = server.command('EVAL', 'while true do end', 0).catch(() => {})
    await firstSuccess(async () =>
      expect((await ending(server.command('GET', 'k'))).error).toMatchObject({ message: expect.stringMatching(/^BUSY/) }),
    )
    const first = await ending(fence(adapter))
    expect([timeout.code, unavailable.code]).toContain(Reflect.get(Object(first.error), 'code'))
    expect(first.afterMs).toBeLessThan(250)
    await server.command('SCRIPT', 'KILL')
    await busy
    expect(await firstSuccess(() => fence(adapter))).toBeLessThan(1_000)
  })

  it('after FLUSHALL and SCRIPT FLUSH is nothing', async () => {
    const adapter = await open()
    await server.command('FLUSHALL')
    await server.command('SCRIPT', 'FLUSH')
    expect(await Promise.all(Array.from({ length: 3 }, () => fence(adapter)))).toEqual([1, 2, 3])
  })

  it('is a typed error where the network is slower than the deadline, and none where it is faster', async () => {
    const proxy = await startProxy(server.port)
    atEnd(() => proxy.stop())
    const { adapter } = adapterOn(proxy.url, makeClient)
    await firstSuccess(() => fence(adapter))
    proxy.latency(40)
    await fence(adapter)
    proxy.latency(400)
    const { error, afterMs } = await ending(fence(adapter))
    expect(error).toMatchObject(timeout)
    expect(afterMs).toBeLessThan(250)
    await proxy.restore()
    expect(await firstSuccess(() => fence(adapter))).toBeLessThan(1_500)
  })

  it('in one step of a batch is that step’s alone', async () => {
    const adapter = await open()
    await adapter.set('{b}value', Buffer.from('v'), 60_000)
    const keys = Array.from({ length: 50 }, (_, at) => (at === 20 ? '{b}value' : `{b}${at}`))
    const results = await Promise.allSettled([...keys.map((key) => fence(adapter, key)), adapter.run(raising, '{b}', undefined)])
    expect(results.flatMap(({ status }, at) => (status === 'rejected' ? [at] : []))).toEqual([20, 50])
    expect(results[20]).toMatchObject({ reason: { code: 'ERR_HOLDFAST_ADAPTER_WRONG_TYPE' } })
    expect(results[50]).toMatchObject({
      reason: { code: 'ERR_HOLDFAST_OPERATION', message: expect.stringContaining('on purpose') },
    })
    expect(await fence(adapter, '{b}0')).toBe(2)
  })

  it('never meets a batch that is too large', async () => {
    const adapter = await open()
    const owner = 'x'.repeat(1_000)
    const steps = Array.from({ length: 3_000 }, (_, at) =>
      adapter.run(acquire, `{${at}}`, { owner, leaseMs: 60_000 }, { timeoutMs: 5_000 }),
    )
    expect((await Promise.all(steps)).every(({ held }) => held)).toBe(true)
  })

  it('is not even asked for a step that nobody waits for any more', async () => {
    const prefix = ownPrefix()
    const { adapter } = adapterOn(server.url, makeClient, { prefix })
    await firstSuccess(() => fence(adapter))
    const counter = await commandCounter(server.url, prefix)
    atEnd(() => counter.stop())
    const controller = new AbortController()
    const kept = [fence(adapter), fence(adapter)]
    const dropped = adapter.run(acquire, '{dropped}', { owner: 'ann', leaseMs: 60_000 }, { signal: controller.signal })
    controller.abort(new Error('gone'))
    await expect(dropped).rejects.toThrow('gone')
    await Promise.all(kept)
    await fence(adapter)
    expect(await counter.take()).toEqual(['evalsha', 'evalsha'])
    expect(await fence(adapter, '{dropped}')).toBe(1)
  })
})

it('is an error for a wrong password, and for a right that is missing', async () => {
  await server.command('ACL', 'SETUSER', 'reader', 'on', '>secret', '~*', '&*', '+@all', '-evalsha')
  await server.command('ACL', 'SETUSER', 'writer', 'on', '>secret', '~*', '&*', '+@all', '-hset')
  await server.command('ACL', 'SETUSER', 'mute', 'on', '>secret', '~*', 'resetchannels', '+@all')
  const as = (user: string) => adapterOn(server.url.replace('//', `//${user}@`)).adapter
  await expect(fence(as('reader:wrong'))).rejects.toMatchObject(unavailable)
  const reader = as('reader:secret')
  for (let call = 0; call < 5; call += 1) {
    await expect(fence(reader)).rejects.toMatchObject({ ...unavailable, message: expect.stringContaining('NOPERM') })
    expect(await reader.get('v')).toBeUndefined()
  }
  await expect(fence(as('writer:secret'), '{new}')).rejects.toMatchObject(unavailable)
  await expect(as('mute:secret').events.publish('channel', 'm')).rejects.toMatchObject(unavailable)
})

const raising: Operation<never, undefined, void> = defineOperation({
  name: 'test.raising',
  step: () => ({ result: undefined }),
  lua: `
    error('on purpose')
  `,
  encode: () => [],
  decode: () => undefined,
})
