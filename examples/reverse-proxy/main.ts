import { createServer } from 'node:http'
import { memoryAdapter } from '@holdfast/adapter/memory'
import { redisAdapter } from '@holdfast/adapter/redis'
import { front } from '@holdfast/http/node'
import { responseCache } from '@holdfast/response-cache/node'
import { createProxy } from './proxy.ts'

const { PORT = '8080', HOST = '127.0.0.1', ORIGIN = 'http://127.0.0.1:8000', MODE = 'rfc', REDIS_URL: url } = process.env
const adapter = url ? redisAdapter({ url, prefix: 'reverse-proxy:' }) : memoryAdapter()
const cache = responseCache({ adapter, mode: MODE === 'app' ? 'app' : 'rfc', staleIfErrorMs: 60_000 })
const server = createServer(front([cache], createProxy(ORIGIN)))

server.listen(Number(PORT), HOST, () => {
  const bound = server.address()
  const address = `http://${HOST}:${typeof bound === 'object' ? bound?.port : PORT}`
  console.log(`Listening on ${address}, in front of ${ORIGIN}, storing in ${url ? 'Redis' : 'memory'}. Try:

  curl -i ${address}/      # Cache-Status says what the cache did, and why
`)
})

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    // Who keeps a connection busy, as a load balancer does, would keep the server up for good; one that a response leaves idle, for 5 s.
    server.prependListener('request', (_req, res) => void res.setHeader('Connection', 'close'))
    server.keepAliveTimeout = 1
    server.close(() => void adapter.close())
    server.closeIdleConnections()
  })
}
