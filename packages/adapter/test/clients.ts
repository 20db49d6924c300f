import type { RedisAdapterOptions } from '@holdfast/adapter/redis'
import { Cluster, Redis } from 'ioredis'
import { Cluster as Cluster5, Redis as Redis5 } from 'ioredis5'
import { createClient, createCluster } from 'redis'
import { createClient as createClient5, createCluster as createCluster5 } from 'redis5'

type Client = NonNullable<RedisAdapterOptions['client']>

/** A client as an app makes it, connected, and how it is closed. */
export interface TestClient {
  readonly client: Client
  /** Resolves when the client stands, as far as an app can know. */
  readonly connected: Promise<unknown>
  close(): void
}

export type MakeClient = (url: string) => TestClient

/** Clients of a single server, with the options that an app would start with. */
export const singles: Readonly<Record<string, MakeClient>> = {
  'ioredis 6, RESP3': (url) => ioredis(new Redis(url)),
  'ioredis 6, RESP2': (url) => ioredis(new Redis(url, { protocol: 2 })),
  'ioredis 6 with a keyPrefix': (url) => ioredis(new Redis(url, { keyPrefix: 'client[1]:' })),
  'ioredis 6, careful': (url) => ioredis(new Redis(url, { enableOfflineQueue: false, autoResendUnfulfilledCommands: false })),
  'ioredis 6, numbers as strings': (url) => ioredis(new Redis(url, { stringNumbers: true })),
  'ioredis 5': (url) => ioredis(new Redis5(url)),
  'node-redis 6': (url) => nodeRedis(createClient({ url })),
  'node-redis 6, RESP2, with a keyPrefix': (url) => nodeRedis(createClient({ url, RESP: 2, keyPrefix: 'client:' })),
  'node-redis 5': (url) => nodeRedis(createClient5({ url })),
  'node-redis 5, RESP3': (url) => nodeRedis(createClient5({ url, RESP: 3 })),
}

export type MakeClusterClient = (nodes: readonly { host: string; port: number }[]) => TestClient

export const clusters: Readonly<Record<string, MakeClusterClient>> = {
  'ioredis 6 Cluster': (nodes) => ioredis(new Cluster([...nodes])),
  'ioredis 6 Cluster with a keyPrefix': (nodes) => ioredis(new Cluster([...nodes], { keyPrefix: 'client:' })),
  'ioredis 6 Cluster, numbers as strings': (nodes) => ioredis(new Cluster([...nodes], { redisOptions: { stringNumbers: true } })),
  'ioredis 5 Cluster': (nodes) => ioredis(new Cluster5([...nodes])),
  'node-redis 6 cluster': (nodes) => nodeRedis(createCluster({ rootNodes: rootNodes(nodes) })),
  'node-redis 5 cluster': (nodes) => nodeRedis(createCluster5({ rootNodes: rootNodes(nodes) })),
}

function rootNodes(nodes: readonly { host: string; port: number }[]): { url: string }[] {
  return nodes.map(({ host, port }) => ({ url: `redis://${host}:${port}` }))
}

/** What clients have to say of outages is the adapter's to tell; an `error` event without a listener would end the process. */
function ioredis(client: Client & { disconnect(): void }): TestClient {
  client.on('error', () => {})
  const connected = new Promise<void>((resolve) => client.on('ready', () => resolve()))
  return { client, connected, close: () => client.disconnect() }
}

function nodeRedis(client: Client & { connect(): Promise<unknown>; destroy(): void }): TestClient {
  client.on('error', () => {})
  const connected = client.connect()
  connected.catch(() => {}) // in an outage there is nobody to wait for it
  return { client, connected, close: () => client.destroy() }
}
