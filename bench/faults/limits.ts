import type { RequestListener } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { redisAdapter } from '@holdfast/adapter/redis'
import { rateLimit as onExpress } from '@holdfast/rate-limit/express'
import { rateLimit as onKoa } from '@holdfast/rate-limit/koa'
import type { RedisServer } from '@holdfast/test/redis'
import express, { type RequestHandler } from 'express'
import expressRateLimit from 'express-rate-limit'
import { Redis } from 'ioredis'
import Koa, { type Middleware } from 'koa'
import koaRateLimit from 'koa-ratelimit'
import { RedisStore, type SendCommandFn } from 'rate-limit-redis'
import { RateLimiterRedis } from 'rate-limiter-flexible'
import { atOnce, compare, eachOf, whileFrozen } from './compare.ts'

const LIMIT = 10
const WINDOW_MS = 1_000

/** Limits at the edge of a window, and while Redis is frozen. */
export async function compareLimits(server: RedisServer): Promise<void> {
  const client = new Redis(server.url)
  const adapter = redisAdapter({ url: server.url, prefix: 'faults:limits:' })
  const limit = { adapter, limit: LIMIT, windowMs: WINDOW_MS }
  const sendCommand: SendCommandFn = async (command, ...args) => (await client.call(command, ...args)) as string
  const flexible = new RateLimiterRedis({ storeClient: client, points: LIMIT, duration: WINDOW_MS / 1_000 })
  const apps = {
    '@holdfast/rate-limit, Express': withExpress(onExpress({ ...limit, name: 'express' })),
    'express-rate-limit, rate-limit-redis': withExpress(
      expressRateLimit({ limit: LIMIT, windowMs: WINDOW_MS, store: new RedisStore({ sendCommand }) }),
    ),
    'rate-limiter-flexible': withExpress((req, res, next) => {
      flexible.consume(req.ip ?? '').then(
        () => next(),
        () => void res.status(429).end(),
      )
    }),
    '@holdfast/rate-limit, Koa': withKoa(onKoa({ ...limit, name: 'koa' })),
    'koa-ratelimit': withKoa(koaRateLimit({ driver: 'redis', db: client, max: LIMIT, duration: WINDOW_MS, id: ({ ip }) => ip })),
  }
  await compare(`Limits: ${LIMIT} a second, asked for at the edge of a window: passed within a second`, eachOf(apps, atTheEdge))
  await compare(
    'Limits, while Redis is frozen',
    eachOf(apps, (url) => whileFrozen(server, url)),
  )
  await adapter.close()
  client.disconnect()
}

async function atTheEdge(url: string): Promise<string> {
  await pause(WINDOW_MS * 2)
  await passed(url)
  await pause(WINDOW_MS * 0.8)
  const before = await atOnce(LIMIT, () => passed(url))
  await pause(WINDOW_MS * 0.25)
  const after = await atOnce(LIMIT, () => passed(url))
  return String([...before, ...after].filter(Boolean).length)
}

async function passed(url: string): Promise<boolean> {
  const { ok } = await fetch(url)
  return ok
}

function withExpress(middleware: RequestHandler): RequestListener {
  return express()
    .use(middleware)
    .get('/', (_req, res) => void res.end())
}

function withKoa(middleware: Middleware): RequestListener {
  const app = new Koa()
  app.use(middleware)
  app.use((ctx) => {
    ctx.body = ''
  })
  const callback = app.callback()
  return (req, res) => void callback(req, res)
}
