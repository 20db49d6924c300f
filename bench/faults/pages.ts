import type { RequestListener } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { redisAdapter } from '@holdfast/adapter/redis'
import { responseCache } from '@holdfast/response-cache/express'
import type { RedisServer } from '@holdfast/test/redis'
import apicache from 'apicache'
import express, { type RequestHandler } from 'express'
import { Redis } from 'ioredis'
import { answerOf, atOnce, compare, eachOf, whileFrozen } from './compare.ts'

const AT_ONCE = 20
const WORK_MS = 50

/** Pages that many ask for at once, that are one user's own, and while Redis is frozen. */
export async function comparePages(server: RedisServer): Promise<void> {
  const { url } = server
  const adapter = redisAdapter({ url, prefix: 'faults:pages:' })
  const client = new Redis(url, { keyPrefix: 'faults:apicache:' })
  const peer = apicache.options({ redisClient: Object.assign(client, { connected: true }) })
  const apps = {
    '@holdfast/response-cache': shop(responseCache({ adapter, ttlMs: 3_600_000 })),
    apicache: shop(peer.middleware('1 hour')),
  }
  await compare(`Pages: one that is not stored yet, asked for ${AT_ONCE} times at once: times it is made`, eachOf(apps, made))
  await compare("Pages: Ann's own page, and then Bob's, by their cookies: what Bob gets", eachOf(apps, others))
  await compare(
    'Pages, while Redis is frozen',
    eachOf(apps, (url) => whileFrozen(server, `${url}/slow`)),
  )
  await adapter.close()
  client.disconnect()
}

async function made(url: string): Promise<string> {
  await atOnce(AT_ONCE, () => answerOf(`${url}/slow`))
  return answerOf(`${url}/count`, { method: 'POST' })
}

async function others(url: string): Promise<string> {
  await answerOf(`${url}/own`, { headers: { cookie: 'user=Ann' } })
  await pause(WORK_MS) // until it is stored
  return answerOf(`${url}/own`, { headers: { cookie: 'user=Bob' } })
}

function shop(cache: RequestHandler): RequestListener {
  let count = 0
  return express()
    .post('/count', (_req, res) => void res.send(String(count)))
    .use(cache)
    .get('/slow', (_req, res, next) => {
      count += 1
      pause(WORK_MS).then(() => res.send('the same for all'), next)
    })
    .get('/own', (req, res) => {
      res.send(`the page of ${String(req.headers.cookie).replace('user=', '')}`)
    })
}
