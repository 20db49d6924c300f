import { randomBytes } from 'node:crypto'
import type { Adapter } from '@holdfast/adapter'
import { memoryAdapter } from '@holdfast/adapter/memory'
import { redisAdapter } from '@holdfast/adapter/redis'
import { failing } from '@holdfast/adapter/testing'
import { ownPrefix, sharedClusterNodes, sharedRedisUrl } from '@holdfast/test/redis'
import { afterEach, expect, it } from '@jest/globals'
import { Redis } from 'ioredis'
import { clusters } from './clients.ts'

const KEYS = ['', 'a', '{', '}', '{}', '{user}', 'a{user}b', '{}{user}', '{{user}', 'ü'.repeat(200), '\r\n', '\ud800']
for (let count = 0; count < 500; count += 1) KEYS.push(randomBytes(24).toString('base64url'))

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

async function onCluster(client: string, prefix = ''): Promise<Adapter> {
  const opened = clusters[client]?.(await sharedClusterNodes())
  if (opened === undefined) throw new Error(`There is no ${client}`)
  await opened.connected
  const adapter = redisAdapter({ client: opened.client, prefix, timeoutMs: 10_000 })
  closing.push(adapter.close, opened.close)
  return adapter
}

it.each([
  ['ioredis 6 Cluster', ''],
  ['ioredis 6 Cluster with a keyPrefix', 'client:'],
  ['node-redis 6 cluster', ''],
])('keeps a name in the slot of another key: %s', async (client, keyPrefix) => {
  const prefix = ownPrefix()
  const adapter = await onCluster(client, prefix)
  const [node] = await sharedClusterNodes()
  const redis = new Redis({ ...node })
  closing.push(() => redis.disconnect())
  const slotOf = (key: string): Promise<unknown> => redis.cluster('KEYSLOT', keyPrefix + prefix + key)
  for (const key of KEYS) expect([key, await slotOf(`${adapter.hashTagOf?.(key)}name`)]).toEqual([key, await slotOf(key)])
  expect(failing(adapter).hashTagOf?.('a')).toBe(adapter.hashTagOf?.('a'))
})

it('gives none where there are no slots', () => {
  const adapter = redisAdapter({ url: sharedRedisUrl() })
  closing.push(adapter.close)
  expect(adapter.hashTagOf?.('a')).toBe('')
  expect(failing(memoryAdapter()).hashTagOf?.('a')).toBe('')
})

it('gives what it has always given, as it is part of names of keys', async () => {
  const adapter = await onCluster('ioredis 6 Cluster')
  expect(['sess:a', 'sess:b', '{0}', 'foo'].map((key) => adapter.hashTagOf?.(key))).toEqual(['{a02}', '{a01}', '{0}', '{foo}'])
})

it('sends nothing of two slots in one command, whatever is in the keys', async () => {
  const adapter = await onCluster('ioredis 6 Cluster', ownPrefix())
  const keys = ['a', '{}{user}', '{{user}', '\ud800', '\ufffd']
  await Promise.all(keys.map((key) => adapter.set(key, Buffer.from(key), 60_000)))
  expect((await adapter.getMany(keys)).map(String)).toEqual(keys.map((key) => key.toWellFormed()))
})
