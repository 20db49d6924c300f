import { createServer } from 'node:http'
import { redisAdapter } from '@holdfast/adapter/redis'
import { front } from '@holdfast/http/node'
import { Redis } from 'ioredis'
import { responseCache } from '../../src/node.ts'

// Serves slow pages from a cache in Redis, and counts there how often each is made.
const { REDIS_URL = '', PREFIX = '', LEASE_MS = '1000' } = process.env
const redis = new Redis(REDIS_URL)
const adapter = redisAdapter({ url: REDIS_URL, prefix: PREFIX })
const cache = responseCache({ adapter, ttlMs: 60_000, timeoutMs: 5_000, loadLeaseMs: Number(LEASE_MS) })

const server = createServer(
  front([cache], (req, res) => {
    redis
      .incr(`${PREFIX}made:${req.url}`)
      .then((count) => {
        if (req.url === '/hangs' && count === 1) return
        setTimeout(() => res.end(`made ${count}`), 150)
      })
      .catch(() => res.destroy())
  }),
)
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  console.log(`http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`)
})

process.once('SIGTERM', () => {
  server.close()
  server.closeAllConnections()
  redis.disconnect()
  void adapter.close()
})
