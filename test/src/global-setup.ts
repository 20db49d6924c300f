import { type ClusterOnDemand, clusterOnDemand } from './cluster-on-demand.ts'
import { type RedisServer, startRedisServer } from './redis-server.ts'

let server: RedisServer | undefined
let cluster: ClusterOnDemand | undefined

/** Starts the Redis that all tests share, unless REDIS_URL names one, and the Cluster once a suite asks for it. */
export default async function globalSetup(): Promise<void> {
  cluster = await clusterOnDemand()
  process.env['HOLDFAST_TEST_CLUSTER'] = cluster.url
  if (process.env['REDIS_URL'] !== undefined) return
  server = await startRedisServer()
  process.env['REDIS_URL'] = server.url
}

export async function stopRedis(): Promise<void> {
  await Promise.all([server?.stop(), cluster?.stop()])
}
