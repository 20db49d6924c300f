import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { type RedisServer, startProxy, startRedisServer } from '@holdfast/test/redis'
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { adapterOn, atEnd, ending, fence, firstSuccess, sources, timeout, unavailable } from './outage-stage.ts'
import { acquire } from './sample-operations.ts'

// In real time: deadlines and reconnecting clients go by it. Each case takes some hundred milliseconds.
let server: RedisServer
beforeAll(async () => {
  server = await startRedisServer()
})
afterAll(() => server.stop())

it('tells how the circuit opens, is probed, and closes', async () => {
  const told: string[] = []
  const listener = (event: unknown): void => void told.push(String(Reflect.get(Object(event), 'state')))
  subscribe('holdfast.adapter.circuit', listener)
  atEnd(() => unsubscribe('holdfast.adapter.circuit', listener))
  const { adapter } = adapterOn(server.url)
  await firstSuccess(() => fence(adapter))
  server.freeze()
  atEnd(() => server.thaw())
  await ending(fence(adapter))
  server.thaw()
  await firstSuccess(() => fence(adapter))
  expect(told).toEqual(['open', 'half-open', 'closed'])
})

it('warns of an outage, but not of calls that have little time left', async () => {
  const emitWarning = jest.spyOn(process, 'emitWarning').mockImplementation(() => {})
  atEnd(() => emitWarning.mockRestore())
  const { adapter } = adapterOn(server.url)
  await firstSuccess(() => fence(adapter))
  server.freeze()
  atEnd(() => server.thaw())
  await expect(adapter.get('v', { timeoutMs: 5 })).rejects.toMatchObject(timeout)
  expect(emitWarning).not.toHaveBeenCalled()
  await expect(adapter.get('v')).rejects.toMatchObject(timeout)
  await expect(adapter.get('v')).rejects.toMatchObject(unavailable)
  expect(emitWarning).toHaveBeenCalledTimes(1)
})

it('says to the first who calls why Redis cannot be reached', async () => {
  const { adapter } = adapterOn('redis://127.0.0.1:1')
  const message = 'Redis could not get on "v": connect ECONNREFUSED 127.0.0.1:1'
  await expect(adapter.get('v')).rejects.toMatchObject({ ...unavailable, message })
})

it('sends a script that Redis has forgotten again for those alone who still wait', async () => {
  const { adapter } = adapterOn(server.url)
  await firstSuccess(() => fence(adapter))
  await server.command('SCRIPT', 'FLUSH')
  server.freeze()
  atEnd(() => server.thaw())
  const late = adapter.run(acquire, '{forgotten}', { owner: 'late', leaseMs: 60_000 }, { timeoutMs: 50 })
  const patient = adapter.run(acquire, '{forgotten}', { owner: 'patient', leaseMs: 60_000 }, { timeoutMs: 5_000 })
  await expect(late).rejects.toMatchObject(timeout)
  server.thaw()
  expect(await patient).toEqual({ held: true, fence: 1 })
})

describe.each(sources)('by %s', (_name, makeClient) => {
  it('keeps to its deadline while Redis is frozen, then fails at once, and works within a second of its coming back', async () => {
    const { adapter } = adapterOn(server.url, makeClient)
    await firstSuccess(() => fence(adapter))
    server.freeze()
    atEnd(() => server.thaw())
    const calls = [fence(adapter), adapter.get('v'), adapter.getMany(['v']), adapter.set('v', Buffer.from('v'), 1_000)]
    for (const { error, afterMs } of await Promise.all(calls.map(ending))) {
      expect(error).toMatchObject(timeout)
      expect(afterMs).toBeLessThan(250)
    }
    const refused = await ending(fence(adapter))
    expect(refused.error).toMatchObject(unavailable)
    expect(refused.error).toHaveProperty('retryAfterMs', expect.any(Number))
    expect(refused.afterMs).toBeLessThan(10)
    server.thaw()
    expect(await firstSuccess(() => fence(adapter))).toBeLessThan(1_000)
  })

  it('fails at once while Redis is gone, and works within a second of its client being ready again', async () => {
    const { adapter, made } = adapterOn(server.url, makeClient)
    await firstSuccess(() => fence(adapter))
    await server.kill()
    await expect(firstSuccess(() => fence(adapter), 300)).rejects.toThrow('no success')
    const { error, afterMs } = await ending(fence(adapter))
    expect(error).toMatchObject(unavailable)
    expect(afterMs).toBeLessThan(50)
    const ready = new Promise<void>((resolve) => made?.client.on('ready', () => resolve()))
    await server.start()
    if (made !== undefined) await ready
    expect(await firstSuccess(() => fence(adapter))).toBeLessThan(1_000)
  })

  it('starts while Redis is down, and works within a second of its client being ready', async () => {
    const late = await startRedisServer()
    await late.kill()
    atEnd(() => late.stop())
    const { adapter, made } = adapterOn(late.url, makeClient)
    const { error, afterMs } = await ending(fence(adapter))
    expect([timeout.code, unavailable.code]).toContain(Reflect.get(Object(error), 'code'))
    expect(afterMs).toBeLessThan(250)
    const ready = new Promise<void>((resolve) => made?.client.on('ready', () => resolve()))
    await late.start()
    if (made !== undefined) await ready
    expect(await firstSuccess(() => fence(adapter))).toBeLessThan(1_000)
  })

  it('fails while Redis loads its data, and works when it has them', async () => {
    const { adapter } = adapterOn(server.url, makeClient)
    await firstSuccess(() => fence(adapter))
    await server.restart(500)
    const { error, afterMs } = await ending(fence(adapter))
    expect([timeout.code, unavailable.code]).toContain(Reflect.get(Object(error), 'code'))
    expect(afterMs).toBeLessThan(250)
    await server.ready()
    await firstSuccess(() => fence(adapter), 12_000) // ioredis by itself waits for up to 10 s
  })
})

describe.each(sources.filter(([name]) => !name.includes('RESP2')))('by %s', (_name, makeClient) => {
  it('sends some twenty calls of a thousand into an outage of ten seconds (here: six of three hundred in three)', async () => {
    const proxy = await startProxy(server.port)
    atEnd(() => proxy.stop())
    const { adapter } = adapterOn(proxy.url, makeClient)
    await firstSuccess(() => fence(adapter))
    const before = await fence(adapter)
    proxy.blackhole()
    const calls: Promise<{ error: unknown; afterMs: number }>[] = []
    await new Promise<void>((resolve) => {
      const timer = setInterval(() => {
        calls.push(ending(fence(adapter)))
        if (calls.length < 300) return
        clearInterval(timer)
        resolve()
      }, 10)
    })
    for (const { error, afterMs } of await Promise.all(calls)) {
      expect([timeout.code, unavailable.code]).toContain(Reflect.get(Object(error), 'code'))
      expect(afterMs).toBeLessThan(500)
    }
    await proxy.restore()
    await firstSuccess(() => fence(adapter))
    expect((await fence(adapter)) - before).toBeLessThanOrEqual(15) // with the two that have just succeeded
  })
})

// With its own defaults ioredis sends a command again when its reply was lost: the README says how to turn that off.
describe.each(sources.filter(([name]) => !name.startsWith('ioredis') || name.endsWith('careful')))(
  'by %s',
  (_name, makeClient) => {
    it('runs no step twice whose reply was lost, and tells its caller', async () => {
      const proxy = await startProxy(server.port)
      atEnd(() => proxy.stop())
      const { adapter } = adapterOn(proxy.url, makeClient)
      await firstSuccess(() => fence(adapter))
      const before = await fence(adapter)
      proxy.cutReplies()
      const { error } = await ending(fence(adapter))
      expect([timeout.code, unavailable.code]).toContain(Reflect.get(Object(error), 'code'))
      await proxy.restore()
      await firstSuccess(() => fence(adapter))
      expect((await fence(adapter)) - before).toBe(3)
    })
  },
)
