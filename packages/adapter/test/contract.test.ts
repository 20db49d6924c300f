import { adapterContract } from '@holdfast/adapter/conformance'
import { memoryAdapter } from '@holdfast/adapter/memory'
import { type RedisAdapterOptions, redisAdapter } from '@holdfast/adapter/redis'
import { ownPrefix, sharedRedisUrl } from '@holdfast/test/redis'
import { afterAll, describe, it } from '@jest/globals'
import { Redis } from 'ioredis'
import { Redis as Redis5 } from 'ioredis5'

const url = sharedRedisUrl()
const clients = {
  'ioredis 6, RESP3': new Redis(url),
  'ioredis 6, RESP2': new Redis(url, { protocol: 2 }),
  'ioredis 5': new Redis5(url),
  'ioredis 6 with a keyPrefix': new Redis(url, { keyPrefix: 'client:' }),
}

afterAll(() => {
  for (const client of Object.values(clients)) client.disconnect()
})

describe('memory', () => {
  for (const { name, run } of adapterContract((now) => memoryAdapter({ now }))) it(name, run)
})

const sources: [string, RedisAdapterOptions][] = [
  ...Object.entries(clients).map(([name, client]): [string, RedisAdapterOptions] => [name, { client }]),
  ['a client of its own', { url }],
]

describe.each(sources)('Redis, by %s', (_name, source) => {
  for (const { name, run } of adapterContract((now) => redisAdapter({ ...source, prefix: ownPrefix(), now }))) {
    it(name, run)
  }
})

describe('Redis, by its own clock (in real time: some 300 ms)', () => {
  for (const { name, run } of adapterContract(() => redisAdapter({ url, prefix: ownPrefix() }))) it(name, run)
})
