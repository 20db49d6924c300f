import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import { memoryAdapter } from '@holdfast/adapter/memory'
import { redisAdapter } from '@holdfast/adapter/redis'
import { createApp } from './app.ts'

const { PORT = '3000', HOST = '127.0.0.1', REDIS_URL: url } = process.env
// Processes that share sessions share this as well.
const { SESSION_SECRET: secret = randomBytes(32).toString('hex') } = process.env
const adapter = url ? redisAdapter({ url, prefix: 'express-api:' }) : memoryAdapter()
const server = createServer(createApp(adapter, secret))

server.listen(Number(PORT), HOST, () => {
  const bound = server.address()
  const address = `http://${HOST}:${typeof bound === 'object' ? bound?.port : PORT}`
  console.log(`Listening on ${address}, counting in ${url ? 'Redis' : 'memory'}. Try:

  curl -i ${address}/api           # 200, and RateLimit: "default";r=9;t=60: nine more within a minute
  for i in $(seq 12); do curl -s -o /dev/null -w '%{http_code} ' ${address}/api; done    # 200s, then 429s
  curl -i ${address}/api/time      # 429 with Retry-After, until the first request is a minute old
  curl -i -c jar -d 'user=ann&password=secret of ann' ${address}/login    # the sixth within a minute is 429
  curl -b jar -c jar -d item=pear ${address}/cart; curl -b jar -d 'to=bob&amount=30' ${address}/transfer
  curl -b jar -X POST ${address}/logout-everywhere
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
