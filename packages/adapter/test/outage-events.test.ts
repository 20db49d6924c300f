import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { type RedisServer, startRedisServer } from '@holdfast/test/redis'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { adapterOn, atEnd, ending, firstSuccess, sources, timeout } from './outage-stage.ts'

// In real time: what connections for subscriptions do goes by it. Each case takes a second or two.
let server: RedisServer
beforeAll(async () => {
  server = await startRedisServer()
})
afterAll(() => server.stop())

const libraries = sources.filter(([name]) => ['a client of its own', 'ioredis 5', 'node-redis 5', 'node-redis 6'].includes(name))

describe.each(libraries)('subscriptions by %s', (_name, makeClient) => {
  it('end at once while Redis is frozen', async () => {
    const { adapter } = adapterOn(server.url, makeClient)
    await firstSuccess(() => adapter.get('v'))
    let end = async (): Promise<void> => {}
    await firstSuccess(async () => {
      end = await adapter.events.subscribe('a', () => {})
    })
    server.freeze()
    atEnd(() => server.thaw())
    const { error, afterMs } = await ending(end())
    expect(error).toBeUndefined()
    expect(afterMs).toBeLessThan(1_000)
  })

  it('are asked for again where the network swallows the first', async () => {
    const { adapter } = adapterOn(await networkThatSwallowsOne('subscribe'), makeClient)
    await firstSuccess(() => adapter.get('v'))
    const heard: string[] = []
    const subscribe = () => adapter.events.subscribe('a', (event) => void (event.type === 'message' && heard.push(event.message)))
    expect((await ending(subscribe())).error).toMatchObject(timeout)
    expect(await firstSuccess(subscribe)).toBeLessThan(3_000)
    await adapter.events.publish('a', '1')
    await firstSuccess(async () => expect(heard).toEqual(['1']))
  })
})

/** Of the first connection that sends this command, nothing is passed on any more. */
async function networkThatSwallowsOne(command: string): Promise<string> {
  const hasSwallowed = new Set<string>()
  const network = createServer((client) => {
    const redis = connect({ host: server.host, port: server.port })
    let isSwallowing = false
    client.on('data', (chunk) => {
      if (hasSwallowed.size === 0 && String(chunk).toLowerCase().includes(`\n${command}\r`)) {
        hasSwallowed.add(command)
        isSwallowing = true
      }
      if (!isSwallowing) redis.write(chunk)
    })
    redis.on('data', (chunk) => client.write(chunk))
    for (const [one, other] of [
      [client, redis],
      [redis, client],
    ] as const) {
      one.on('error', () => {})
      one.on('close', () => other.destroy())
      atEnd(() => one.destroy())
    }
  })
  network.listen(0, '127.0.0.1')
  await once(network, 'listening')
  atEnd(() => network.close())
  return `redis://127.0.0.1:${(network.address() as AddressInfo).port}` // a server that listens on a port has one
}
