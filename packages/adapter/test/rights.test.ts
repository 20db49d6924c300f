import { EventEmitter, once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { Adapter } from '@holdfast/adapter'
import { type RedisAdapterOptions, redisAdapter } from '@holdfast/adapter/redis'
import { ownPrefix, sharedClusterNodes, sharedRedisUrl } from '@holdfast/test/redis'
import { afterEach, expect, it } from '@jest/globals'
import { Cluster, Redis } from 'ioredis'
import { Cluster as Cluster5, Redis as Redis5 } from 'ioredis5'
import { createClient, createCluster } from 'redis'
import { createClient as createClient5, createCluster as createCluster5 } from 'redis5'
import { acquire, quota } from './sample-operations.ts'

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
const rights = readme.match(/(?<=[ `])\+[a-z|+ \n]+(?=`)/g)?.flatMap((text) => text.split(/\s+/)) ?? []

const undo: (() => unknown)[] = []
afterEach(async () => {
  for (const each of undo.splice(0).reverse()) await each()
})

interface User {
  readonly username: string
  readonly password: string
}

/** A user on each of these servers, with the rights that the README names. */
async function userOf(prefix: string, nodes: readonly { host: string; port: number }[]): Promise<User> {
  const user = { username: prefix.slice(0, -1), password: 's/c:r@t?#%' }
  for (const { host, port } of nodes) {
    const inspector = new Redis(port, host)
    await inspector.call('ACL', 'SETUSER', user.username, 'on', `>${user.password}`, `~${prefix}*`, `&${prefix}*`, ...rights)
    undo.push(async () => {
      await inspector.call('ACL', 'DELUSER', user.username)
      inspector.disconnect()
    })
  }
  return user
}

type Client = NonNullable<RedisAdapterOptions['client']>

function ioredis(client: Client & { disconnect(): void }): Client {
  undo.push(() => client.disconnect())
  return client
}

async function nodeRedis(client: Client & { connect(): Promise<unknown>; destroy(): void }): Promise<Client> {
  client.on('error', () => {})
  await client.connect()
  undo.push(() => client.destroy())
  return client
}

async function useAll(adapter: Adapter): Promise<void> {
  undo.push(() => adapter.close())
  await adapter.run(acquire, '{a}', { owner: 'ann', leaseMs: 60_000 })
  await adapter.run(quota, '{q}', { cost: 1, note: '' })
  await adapter.set('v', Buffer.from('v'), 60_000)
  expect(await adapter.getMany(['v'])).toEqual([await adapter.get('v')])
  const keys: string[] = []
  for await (const key of adapter.scan('')) keys.push(key)
  expect(keys).toHaveLength(3)
  await adapter.delete('v')
  const heard = new EventEmitter()
  const message = once(heard, 'event')
  await adapter.events.subscribe('channel', (event) => void heard.emit('event', event))
  await adapter.events.publish('channel', 'm')
  expect(await message).toEqual([{ type: 'message', message: 'm' }])
}

const singles: Record<string, (user: User, host: string, port: number) => Client | Promise<Client>> = {
  'ioredis 6': (user, host, port) => ioredis(new Redis({ ...user, host, port })),
  'ioredis 5': (user, host, port) => ioredis(new Redis5({ ...user, host, port })),
  'node-redis 6': (user, host, port) => nodeRedis(createClient({ ...user, socket: { host, port } })),
  'node-redis 5': (user, host, port) => nodeRedis(createClient5({ ...user, socket: { host, port } })),
}

it.each(Object.entries(singles))('%s needs no more rights than the README says', async (_name, connect) => {
  const prefix = ownPrefix()
  const { hostname, port } = new URL(sharedRedisUrl())
  const user = await userOf(prefix, [{ host: hostname, port: Number(port) }])
  await useAll(redisAdapter({ client: await connect(user, hostname, Number(port)), prefix }))
})

it('a url needs no more rights, and has its password percent-encoded', async () => {
  const prefix = ownPrefix()
  const url = new URL(sharedRedisUrl())
  const { username, password } = await userOf(prefix, [{ host: url.hostname, port: Number(url.port) }])
  await useAll(redisAdapter({ url: `redis://${username}:${encodeURIComponent(password)}@${url.host}`, prefix }))
})

type Nodes = readonly { host: string; port: number }[]
const clusters: Record<string, (user: User, nodes: Nodes) => Client | Promise<Client>> = {
  'ioredis 6': (redisOptions, nodes) => ioredis(new Cluster([...nodes], { redisOptions })),
  'ioredis 5': (redisOptions, nodes) => ioredis(new Cluster5([...nodes], { redisOptions })),
  'node-redis 6': (defaults, nodes) => nodeRedis(createCluster({ rootNodes: nodes.map((socket) => ({ socket })), defaults })),
  'node-redis 5': (defaults, nodes) => nodeRedis(createCluster5({ rootNodes: nodes.map((socket) => ({ socket })), defaults })),
}

it.each(Object.entries(clusters))('a Cluster by %s needs no more', async (_name, connect) => {
  const prefix = ownPrefix()
  const nodes = await sharedClusterNodes()
  const user = await userOf(prefix, nodes)
  await useAll(redisAdapter({ client: await connect(user, nodes), prefix, timeoutMs: 5_000 }))
})
