import { once } from 'node:events'
import { createServer } from 'node:http'
import { type RedisCluster, startRedisCluster } from './redis-cluster.ts'

/** Long enough for a machine that is busy with other suites. */
const NODE_TIMEOUT_MS = 5_000

export interface ClusterOnDemand {
  /** Answers with the nodes of the Cluster, `host:port host:port …`. The first who asks has it started. */
  readonly url: string
  stop(): Promise<void>
}

/** A Cluster for the whole run, which takes two seconds to start: suites in other processes ask for it over HTTP. */
export async function clusterOnDemand(): Promise<ClusterOnDemand> {
  let cluster: Promise<RedisCluster> | undefined

  async function answer(): Promise<{ status: number; body: string }> {
    try {
      cluster ??= startRedisCluster({ nodeTimeoutMs: NODE_TIMEOUT_MS })
      const { nodes } = await cluster
      return { status: 200, body: nodes.map(({ host, port }) => `${host}:${port}`).join(' ') }
    } catch (error) {
      return { status: 500, body: String(error) }
    }
  }

  const server = createServer((_request, response) => {
    void answer().then(({ status, body }) => response.writeHead(status, { Connection: 'close' }).end(body))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  return {
    url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : address}`,
    async stop() {
      server.close()
      server.closeAllConnections()
      const started = await cluster?.catch(() => undefined)
      await started?.stop()
    },
  }
}
