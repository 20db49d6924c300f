import { createServer } from 'node:http'
import { memoryAdapter } from '@holdfast/adapter/memory'
import { redisAdapter } from '@holdfast/adapter/redis'
import { createApp } from './app.ts'
import { startBank } from './bank.ts'

const { PORT = '3000', HOST = '127.0.0.1', REDIS_URL: url, BANK_URL } = process.env
const adapter = url ? redisAdapter({ url, prefix: 'payments:' }) : memoryAdapter()
const bank = BANK_URL === undefined ? await startBank(300) : undefined
const server = createServer(createApp(adapter, bank?.url ?? BANK_URL ?? ''))

server.listen(Number(PORT), HOST, () => {
  const bound = server.address()
  const address = `http://${HOST}:${typeof bound === 'object' ? bound?.port : PORT}`
  console.log(`Listening on ${address}, with keys in ${url ? 'Redis' : 'memory'}. Try it twice:

  curl -i ${address}/payments -H 'Idempotency-Key: "8e03978e"' -H 'Content-Type: application/json' -d '{"amount":5}'
`)
})

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    // Who keeps a connection busy, as a load balancer does, would keep the server up for good; one that a response leaves idle, for 5 s.
    server.prependListener('request', (_req, res) => void res.setHeader('Connection', 'close'))
    server.keepAliveTimeout = 1
    server.close(() => {
      bank?.close() // not before: payments that run need it
      void adapter.close()
    })
    server.closeIdleConnections()
  })
}
