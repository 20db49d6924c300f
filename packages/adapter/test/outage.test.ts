import { once } from 'node:events'
import { scheduler } from 'node:timers/promises'
import { redisAdapter } from '@holdfast/adapter/redis'
import { freePort, ownPrefix, type RedisServer, redisServerAt, startRedisServer } from '@holdfast/test/redis'
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { Redis } from 'ioredis'
import { Redis as Redis5 } from 'ioredis5'
import { acquire } from './sample-operations.ts'

// In real time: deadlines and reconnecting clients go by it. Each case takes some tens or hundreds of milliseconds.
const timeout = { name: 'AdapterTimeoutError', code: 'ERR_HOLDFAST_ADAPTER_TIMEOUT' }
const unavailable = { name: 'AdapterUnavailableError', code: 'ERR_HOLDFAST_ADAPTER_UNAVAILABLE', cause: expect.anything() }
const args = { owner: 'ann', leaseMs: 60_000 }

let server: RedisServer
beforeAll(async () => {
  server = await startRedisServer()
})
afterAll(() => server.stop())

const clients: [string, () => Redis | Redis5 | undefined][] = [
  ['ioredis 6 with its defaults', () => new Redis(server.url)],
  ['ioredis 5 with its defaults', () => new Redis5(server.url)],
  ['ioredis 6 without an offline queue', () => new Redis(server.url, { enableOfflineQueue: false })],
  ['a client of its own', () => undefined],
]

describe.each(clients)('%s', (_name, makeClient) => {
  async function open() {
    const client = makeClient()
    if (client !== undefined) await once(client, 'ready')
    const adapter = redisAdapter({ ...(client ? { client } : { url: server.url }), prefix: ownPrefix(), timeoutMs: 150 })
    const close = async () => {
      await adapter.close()
      client?.disconnect()
    }
    return { adapter, close }
  }

  it('keeps to the deadline while Redis is frozen, and works within a second of its coming back', async () => {
    const { adapter, close } = await open()
    await adapter.run(acquire, '{k}', args)
    server.freeze()
    const started = performance.now()
    const calls = [adapter.run(acquire, '{k}', args), adapter.get('v'), adapter.set('v', Buffer.from('v'), 1_000)]
    for (const call of await Promise.allSettled(calls)) expect(call).toMatchObject({ status: 'rejected', reason: timeout })
    expect(performance.now() - started).toBeLessThan(300)
    await expect(adapter.run(acquire, '{k}', args, { timeoutMs: 20 })).rejects.toMatchObject(timeout)
    server.thaw()
    expect(await firstSuccess(() => adapter.run(acquire, '{k}', args))).toBeLessThan(1_000)
    await close()
  })

  it('fails at once while Redis is gone, and works again when it is back', async () => {
    const { adapter, close } = await open()
    await adapter.run(acquire, '{k}', args)
    await server.kill()
    await expect(firstSuccess(() => adapter.run(acquire, '{k}', args), 300)).rejects.toThrow('no success')
    const started = performance.now()
    await expect(adapter.run(acquire, '{k}', args)).rejects.toMatchObject(unavailable)
    expect(performance.now() - started).toBeLessThan(100)
    await server.start()
    await firstSuccess(() => adapter.run(acquire, '{k}', args), 8_000)
    await close()
  })
})

describe('a client of its own', () => {
  it('starts while Redis is down, says so once, and works within a second of its start', async () => {
    const warnings = jest.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const late = redisServerAt(await freePort())
    const adapter = redisAdapter({ url: late.url, prefix: ownPrefix() })
    for (let call = 0; call < 20; call += 1) await expect(adapter.run(acquire, '{k}', args)).rejects.toMatchObject(unavailable)
    await late.start()
    expect(await firstSuccess(() => adapter.run(acquire, '{k}', args))).toBeLessThan(1_000)
    expect(warnings.mock.calls).toEqual([
      [expect.stringContaining('ECONNREFUSED'), { type: 'HoldfastWarning', code: 'HOLDFAST_REDIS_OUTAGE' }],
    ])
    warnings.mockRestore()
    await adapter.close()
    await late.stop()
  })

  it('hears what is published after a restart, and is told of the gap', async () => {
    const adapter = redisAdapter({ url: server.url, prefix: ownPrefix() })
    const events: string[] = []
    let told = (): void => {}
    const gap = new Promise<void>((resolve) => {
      told = resolve
    })
    await firstSuccess(() =>
      adapter.events.subscribe('channel', (event) => {
        events.push(event.type)
        if (event.type === 'gap') told()
      }),
    )
    await firstSuccess(() => adapter.events.publish('channel', 'before'))
    await server.kill()
    await server.start()
    await gap
    await firstSuccess(() => adapter.events.publish('channel', 'after'))
    await firstSuccess(async () => expect(events.at(-1)).toBe('message'))
    await adapter.close()
  })

  it('gives a typed error for what Redis refuses: a wrong password, a right that is missing, no memory', async () => {
    const admin = new Redis(server.url)
    await admin.call('ACL', 'SETUSER', 'reader', 'on', '>secret', '~*', '&*', '+@all', '-evalsha')
    const wrong = redisAdapter({ url: server.url.replace('//', '//reader:wrong@') })
    await expect(wrong.run(acquire, '{k}', args)).rejects.toMatchObject(unavailable)
    const reader = redisAdapter({ url: server.url.replace('//', '//reader:secret@') })
    await expect(reader.run(acquire, '{k}', args)).rejects.toMatchObject({
      ...unavailable,
      message: expect.stringContaining('NOPERM'),
    })
    const writer = redisAdapter({ url: server.url, prefix: ownPrefix() })
    await writer.run(acquire, '{a}', args)
    await admin.config('SET', 'maxmemory', '1')
    await expect(writer.run(acquire, '{b}', args)).rejects.toMatchObject({
      ...unavailable,
      message: expect.stringContaining('OOM'),
    })
    await admin.config('SET', 'maxmemory', '0')
    expect(await writer.run(acquire, '{b}', args)).toMatchObject({ held: true })
    await Promise.all([wrong.close(), reader.close(), writer.close()])
    admin.disconnect()
  })
})

/** Milliseconds until a call succeeds. */
async function firstSuccess(call: () => Promise<unknown>, withinMs = 5_000): Promise<number> {
  const started = performance.now()
  for (;;) {
    try {
      await call()
      return performance.now() - started
    } catch (error) {
      if (performance.now() - started > withinMs) throw new Error(`no success within ${withinMs} ms`, { cause: error })
      await scheduler.wait(10)
    }
  }
}
