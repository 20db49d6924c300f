import type { RequestListener } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { redisAdapter } from '@holdfast/adapter/redis'
import { idempotency } from '@holdfast/idempotency/express'
import express, { type RequestHandler } from 'express'
import { getSharedIdempotencyService, idempotency as peer } from 'express-idempotency'
import { answerOf, atOnce, compare, eachOf } from './compare.ts'

const AT_ONCE = 10
const WORK_MS = 50

/** A payment that is sent again before the first is through. */
export async function comparePayments(url: string): Promise<void> {
  const adapter = redisAdapter({ url, prefix: 'faults:payments:' })
  const apps = {
    '@holdfast/idempotency': till(idempotency({ adapter, scope: 'public' })),
    'express-idempotency': till(peer(), (req) => getSharedIdempotencyService().isHit(req)),
  }
  await compare(`Payments: one, sent ${AT_ONCE} times at once under one key: times it is made`, eachOf(apps, paid))
  await adapter.close()
}

async function paid(url: string): Promise<string> {
  const headers = { 'Idempotency-Key': '"8e03978e-40d5-43dd-bc93-6894a57f9324"', 'Content-Type': 'application/json' }
  const statuses = await atOnce(AT_ONCE, async () => {
    const { status } = await fetch(`${url}/pay`, { method: 'POST', headers, body: '{"amount":100}' })
    return status
  })
  return `${await answerOf(`${url}/count`)}, 201 for ${statuses.filter((status) => status === 201).length}`
}

/** @param isAnswered Whether the middleware has answered, where it lets the handler find out */
function till(middleware: RequestHandler, isAnswered: (req: express.Request) => boolean = () => false): RequestListener {
  let count = 0
  return express()
    .set('env', 'test') // it says nothing of the errors that are answered
    .use(express.json())
    .get('/count', (_req, res) => void res.send(String(count)))
    .post('/pay', middleware, (req, res, next) => {
      if (isAnswered(req)) return
      pause(WORK_MS).then(() => {
        count += 1
        res.status(201).json({ paid: true })
      }, next)
    })
}
