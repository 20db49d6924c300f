import { ownPrefix, type RedisProxy, sharedRedisUrl, startProxy } from '@holdfast/test/redis'
import { afterAll, afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { Redis } from 'ioredis'

const direct = new Redis(sharedRedisUrl(), { lazyConnect: true })
const lost = /max retries per request/
let proxy: RedisProxy
let client: Redis

beforeEach(async () => {
  proxy = await startProxy(Number(new URL(sharedRedisUrl()).port))
  client = new Redis(proxy.url, { retryStrategy: () => 5, maxRetriesPerRequest: 0 })
  client.on('error', () => {})
  await client.ping()
})
afterEach(async () => {
  client.disconnect()
  await proxy.stop()
})
afterAll(() => direct.disconnect())

// In real time, as networks are. Each case takes some tens of milliseconds.
describe('startProxy', () => {
  it('counts connections and what clients write', async () => {
    const before = proxy.writes
    await client.ping()
    await Promise.all([client.ping(), client.ping()])
    expect(proxy).toMatchObject({ connections: 1, writes: before + 2 })
  })

  it('delays each way, in order', async () => {
    proxy.latency(30)
    const start = performance.now()
    const first = client.ping().then(() => performance.now() - start)
    await client.echo('second')
    expect(await first).toBeGreaterThan(58)
    expect(performance.now() - start).toBeLessThan(110)
  })

  it('loses the reply to a command that was applied', async () => {
    const key = ownPrefix()
    proxy.cutReplies()
    await expect(client.set(key, 'applied', 'PX', 10_000)).rejects.toThrow(lost)
    expect(await direct.get(key)).toBe('applied')
    const ready = new Promise((resolve) => client.once('ready', resolve)) // a connection that is about to be cut takes commands too
    await proxy.restore()
    await ready
    expect(await client.get(key)).toBe('applied')
  })

  it('holds everything back in a black hole, new connections too', async () => {
    proxy.blackhole()
    const late = new Redis(proxy.url, { maxRetriesPerRequest: 0 })
    const answers = Promise.all([client.ping(), late.ping()])
    expect(await Promise.race([answers, new Promise((resolve) => setTimeout(resolve, 50))])).toBeUndefined()
    expect(proxy.connections).toBe(2)
    await proxy.restore()
    expect(await answers).toEqual(['PONG', 'PONG'])
    late.disconnect()
  })

  it('cuts connections, refuses new ones, and takes them again', async () => {
    await proxy.refuse()
    expect(proxy.connections).toBe(0)
    await expect(client.ping()).rejects.toThrow(lost)
    await proxy.restore()
    expect(await client.ping()).toBe('PONG')
    proxy.cut()
    await expect(client.ping()).rejects.toThrow(lost)
    expect(await client.ping()).toBe('PONG')
  })
})
