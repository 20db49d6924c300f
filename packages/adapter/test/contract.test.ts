import { adapterContract } from '@holdfast/adapter/conformance'
import { memoryAdapter } from '@holdfast/adapter/memory'
import { redisAdapter } from '@holdfast/adapter/redis'
import { ownPrefix, sharedClusterNodes, sharedRedisUrl } from '@holdfast/test/redis'
import { afterAll, beforeAll, describe, it } from '@jest/globals'
import { casAdapter } from './cas-adapter.ts'
import { clusters, singles, type TestClient } from './clients.ts'

const url = sharedRedisUrl()

describe('memory', () => {
  for (const { name, run } of adapterContract((now) => memoryAdapter({ now }))) it(name, run)
})

describe.each(Object.entries(singles))('Redis, by %s', (_name, makeClient) => {
  onClient(async () => makeClient(url))
})

describe.each(Object.entries(clusters))('Cluster, by %s', (_name, makeClient) => {
  onClient(async () => makeClient(await sharedClusterNodes()))
})

describe('an adapter that has nothing but compare-and-set', () => {
  for (const { name, run } of adapterContract(casAdapter)) it(name, run)
})

/** One client for all cases, as an app has it. */
function onClient(open: () => Promise<TestClient>): void {
  let opened: TestClient | undefined
  beforeAll(async () => {
    opened = await open()
    await opened.connected
  }, 60_000)
  afterAll(() => opened?.close())

  function makeAdapter(now: () => number) {
    if (opened === undefined) throw new Error('beforeAll has failed')
    return redisAdapter({ client: opened.client, prefix: ownPrefix(), timeoutMs: 2_000, now })
  }
  for (const { name, run } of adapterContract(makeAdapter)) it(name, run)
}

describe('Redis, by a client of its own', () => {
  for (const { name, run } of adapterContract((now) => redisAdapter({ url, prefix: ownPrefix(), now }))) it(name, run)
})

describe('Redis, by its own clock (in real time: some 300 ms)', () => {
  for (const { name, run } of adapterContract(() => redisAdapter({ url, prefix: ownPrefix() }))) it(name, run)
})
