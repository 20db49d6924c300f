import { type CommandCounter, commandCounter, ownPrefix, sharedRedisUrl } from '@holdfast/test/redis'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { Redis } from 'ioredis'

describe('commandCounter', () => {
  const key = ownPrefix()
  const client = new Redis(sharedRedisUrl())
  let counter: CommandCounter
  beforeAll(async () => {
    await client.ping()
    counter = await commandCounter(sharedRedisUrl(), key)
  })
  afterAll(() => {
    counter.stop()
    client.disconnect()
  })

  it('names what clients have sent, and not what scripts call', async () => {
    await Promise.all([client.eval("return redis.call('INCR', KEYS[1])", 1, key), client.get(key), client.get('another')])
    expect(await counter.take()).toEqual(['eval', 'get'])
    await client.del(key)
    expect(await counter.take()).toEqual(['del'])
    expect(await counter.take()).toEqual([])
  })
})
