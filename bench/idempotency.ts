import { randomUUID } from 'node:crypto'
import { paymentApps } from './http/payments.ts'
import { report } from './http/report.ts'

const BODY = '{"amount":5,"currency":"EUR"}'
const HEAD = `POST /payments HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: ${BODY.length}\r\n`

/** What a first request and a replay cost, over the bare app. */
export async function benchIdempotency(redisUrl: string): Promise<void> {
  const names = Object.keys(paymentApps)
  const load = { redisUrl, connections: 32, total: 1_500, rounds: 5 }
  await report('a payment, first request, 32 connections', names, { ...load, nextRequest: () => payment(randomUUID()) })
  const key = randomUUID()
  await report('a payment, replay, 32 connections', names, { ...load, nextRequest: () => payment(key) })
}

function payment(key: string): string {
  return `${HEAD}Idempotency-Key: "${key}"\r\n\r\n${BODY}`
}
