import type { Adapter } from '@holdfast/adapter'
import { redisAdapter } from '@holdfast/adapter/redis'
import { Cluster, Redis } from 'ioredis'
import { createClient, createCluster } from 'redis'
import { PREFIX, type Setup } from './setup.ts'

/** An adapter, and what ends its client as well. */
export interface Connected {
  readonly adapter: Adapter
  close(): Promise<void>
}

/** By a client as the adapter's documentation has it. */
export async function connected(setup: Setup): Promise<Connected> {
  const { client, isCluster } = setup
  if (client === 'node-redis') return isCluster ? byNodeRedisCluster(setup) : byNodeRedis(setup)
  if (isCluster) return byCluster(setup)
  return client === 'own' ? own(setup) : byIoredis(setup)
}

function own({ nodes: [node] }: Setup): Connected {
  const adapter = redisAdapter({ url: `redis://${node?.host}:${node?.port}`, prefix: PREFIX })
  return { adapter, close: () => adapter.close() }
}

function byIoredis({ nodes: [node] }: Setup): Connected {
  const client = new Redis({
    ...node,
    autoResendUnfulfilledCommands: false,
    reconnectOnError: (error) => error.message.includes('READONLY'),
    maxLoadingRetryTime: 500,
    retryStrategy: () => 100,
  })
  return withClient(client, () => client.disconnect())
}

function byCluster({ nodes, reachedAt }: Setup): Connected {
  const client = new Cluster([...nodes], {
    retryDelayOnFailover: 0,
    retryDelayOnClusterDown: 0,
    natMap: reachedAt,
    clusterRetryStrategy: () => 100,
    redisOptions: { maxLoadingRetryTime: 500 },
  })
  return withClient(client, () => client.disconnect())
}

async function byNodeRedis({ nodes: [node] }: Setup): Promise<Connected> {
  const client = createClient({ socket: { ...node, reconnectStrategy: () => 100 } })
  client.on('error', ignore)
  await client.connect()
  return withClient(client, () => client.destroy())
}

async function byNodeRedisCluster({ nodes, reachedAt }: Setup): Promise<Connected> {
  const client = createCluster({
    rootNodes: nodes.map((socket) => ({ socket })),
    nodeAddressMap: reachedAt,
    defaults: { socket: { reconnectStrategy: () => 100 } },
  })
  client.on('error', ignore)
  await client.connect()
  return withClient(client, () => client.destroy())
}

function withClient(client: Parameters<typeof redisAdapter>[0]['client'] & object, end: () => void): Connected {
  if ('on' in client) client.on('error', ignore)
  const adapter = redisAdapter({ client, prefix: PREFIX })
  return {
    adapter,
    async close() {
      await adapter.close()
      end()
    },
  }
}

/** Adapters say what an outage is. */
function ignore(): void {}
