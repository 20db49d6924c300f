import { redisAdapter } from '@holdfast/adapter/redis'
import { ownPrefix, type RedisSentinel, startSentinel } from '@holdfast/test/redis'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { Redis } from 'ioredis'
import { Redis as Redis5 } from 'ioredis5'
import { atEnd, ending, fence, firstSuccess, meanwhile, timeout, unavailable } from './outage-stage.ts'

// In real time: a failover takes some seconds.
const TYPED = [timeout.code, unavailable.code]
let sentinel: RedisSentinel
beforeAll(async () => {
  sentinel = await startSentinel({ replicas: 2 })
}, 60_000)
afterAll(() => sentinel.stop())

function options() {
  return {
    sentinels: sentinel.sentinels.map(({ host, port }) => ({ host, port })),
    name: sentinel.name,
    reconnectOnError: (error: Error) => error.message.includes('READONLY'),
  }
}

const clients: [string, () => Redis | Redis5][] = [
  ['ioredis 6', () => new Redis(options())],
  ['ioredis 5', () => new Redis5(options())],
]

describe.each(clients)('by %s', (_name, makeClient) => {
  it.each(['demote', 'kill'] as const)(
    'goes on at the new master after a %s, and every call ends in time',
    async (how) => {
      const client = makeClient()
      const adapter = redisAdapter({ client, prefix: ownPrefix(), timeoutMs: 200 })
      atEnd(async () => {
        await adapter.close()
        client.disconnect()
      })
      await firstSuccess(() => fence(adapter))
      const events: string[] = []
      await adapter.events.subscribe('channel', (event) => events.push(event.type))
      await meanwhile(how === 'kill' ? sentinel.failover('kill') : sentinel.demote(), async () => {
        const { error, afterMs } = await ending(fence(adapter))
        if (error !== undefined) expect(TYPED).toContain(Reflect.get(Object(error), 'code'))
        expect(afterMs).toBeLessThan(250)
      })
      await firstSuccess(() => fence(adapter), 10_000)
      await firstSuccess(async () => expect(events).toContain('gap'))
      await firstSuccess(() => adapter.events.publish('channel', 'after'))
      await firstSuccess(async () => expect(events.at(-1)).toBe('message'))
      await sentinel.settled()
    },
    60_000,
  )
})
