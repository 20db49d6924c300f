import { once } from 'node:events'
import type { Adapter } from '@holdfast/adapter'
import { memoryAdapter } from '@holdfast/adapter/memory'
import { redisAdapter } from '@holdfast/adapter/redis'
import { afterAll, beforeAll, describe } from '@jest/globals'
import { Cluster } from 'ioredis'
import { ownPrefix, sharedClusterNodes, sharedRedisUrl } from './shared-redis.ts'

/** Makes an adapter of its own for a test, which closes it. Without a clock it goes by the real one. */
export type MakeAdapter = (now?: () => number) => Adapter

/** Describes the same suite for every adapter: on memory, on Redis, and on a Cluster. */
export function eachAdapter(suite: (makeAdapter: MakeAdapter) => void): void {
  describe('on memory', () => {
    suite((now) => memoryAdapter({ ...(now && { now }) }))
  })

  describe('on Redis', () => {
    suite((now) => redisAdapter({ url: sharedRedisUrl(), prefix: ownPrefix(), ...(now && { now }) }))
  })

  describe('on Cluster', () => {
    let client: Cluster | undefined
    beforeAll(async () => {
      client = new Cluster(await sharedClusterNodes())
      await once(client, 'ready')
    }, 60_000)
    afterAll(() => client?.disconnect())
    suite((now) => {
      if (client === undefined) throw new Error('The client of the Cluster is made before the tests, not before the suites')
      return redisAdapter({ client, prefix: ownPrefix(), timeoutMs: 2_000, ...(now && { now }) })
    })
  })
}
