import { type RedisProxy, type RedisServer, startProxy, startRedisCluster, startRedisServer } from '@holdfast/test/redis'
import type { Setup } from './app/setup.ts'

/** A Redis that keeps what it has acknowledged, and the network to it. */
export interface Target {
  readonly name: string
  readonly server: RedisServer
  readonly proxy: RedisProxy
  /** Resolves when it takes commands again; on a Cluster, when all nodes have seen so. */
  settled(): Promise<void>
}

export interface Targets {
  readonly all: readonly Target[]
  readonly reached: Pick<Setup, 'nodes' | 'isCluster' | 'reachedAt'>
  stop(): Promise<void>
}

/** What is written before it is acknowledged outlives the process, if not the machine. */
const LASTING = ['--appendonly', 'yes', '--appendfsync', 'no', '--maxmemory-policy', 'noeviction', '--lua-time-limit', '200']

export async function startTargets(isCluster: boolean): Promise<Targets> {
  const { servers, settled, stop } = isCluster ? await startNodes() : await startOne()
  const all = await Promise.all(
    servers.map(async (server, index) => ({ name: `Redis ${index}`, server, settled, proxy: await startProxy(server.port) })),
  )
  const addresses = all.map(({ proxy: { host, port } }) => ({ host, port }))
  const reachedAt = Object.fromEntries(
    all.map(({ server, proxy: { host, port } }) => [`${server.host}:${server.port}`, { host, port }]),
  )
  return {
    all,
    reached: { nodes: addresses, isCluster, reachedAt },
    async stop() {
      await Promise.all(all.map(({ proxy }) => proxy.stop()))
      await stop()
    },
  }
}

interface Started {
  readonly servers: readonly RedisServer[]
  settled(): Promise<void>
  stop(): Promise<void>
}

async function startOne(): Promise<Started> {
  const server = await startRedisServer(...LASTING)
  return { servers: [server], settled: () => server.ready(), stop: () => server.stop() }
}

/** A node that is away takes no other with it. */
async function startNodes(): Promise<Started> {
  const cluster = await startRedisCluster({ settings: [...LASTING, '--cluster-require-full-coverage', 'no'] })
  return { servers: cluster.nodes, settled: () => cluster.settled(), stop: () => cluster.stop() }
}
