import { once } from 'node:events'
import type { Adapter } from '@holdfast/adapter'
import { inboxOf } from '@holdfast/adapter/lease'
import { memoryAdapter } from '@holdfast/adapter/memory'
import { redisAdapter } from '@holdfast/adapter/redis'
import { afterAll, afterEach, beforeAll, describe } from '@jest/globals'
import { Cluster } from 'ioredis'
import { ownPrefix, sharedClusterNodes, sharedRedisUrl } from './shared-redis.ts'

/** Makes an adapter of its own for a test, closed when the test ends. Without a clock it goes by the real one. */
export type MakeAdapter = (now?: () => number) => Adapter

/** What these suites try has nothing to do with deadlines: a busy machine is no outage. */
const timeoutMs = 10_000

/** Describes the same suite for every adapter: on memory, on Redis, and on a Cluster. */
export function eachAdapter(suite: (makeAdapter: MakeAdapter) => void): void {
  describe('on memory', () => {
    suiteOf((now) => memoryAdapter({ ...(now && { now }) }))
  })

  describe('on Redis', () => {
    suiteOf((now) => redisAdapter({ url: sharedRedisUrl(), prefix: ownPrefix(), timeoutMs, ...(now && { now }) }))
  })

  describe('on Cluster', () => {
    let client: Cluster | undefined
    beforeAll(async () => {
      client = new Cluster(await sharedClusterNodes())
      await once(client, 'ready')
    }, 60_000)
    afterAll(() => client?.disconnect())
    suiteOf((now) => {
      if (client === undefined) throw new Error('The client of the Cluster is made before the tests, not before the suites')
      return redisAdapter({ client, prefix: ownPrefix(), timeoutMs, ...(now && { now }) })
    })
  })

  function suiteOf(makeAdapter: MakeAdapter): void {
    let open: Adapter[] = []
    suite((now) => {
      const adapter = makeAdapter(now)
      open.push(adapter)
      return adapter
    })
    afterEach(async () => {
      for (const adapter of open) await adapter.close()
      open = []
    })
  }
}

/** Waits until the process is told of what it waits for on an adapter: who asks then is in line for good with the first command. */
export async function heard(adapter: Adapter): Promise<void> {
  const listening = inboxOf(adapter).listen('the test')
  await listening.wait(10_000)
  listening.stop()
}
