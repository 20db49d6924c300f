import type { RequestListener } from 'node:http'
import { memoryAdapter } from '@holdfast/adapter/memory'
import { redisAdapter } from '@holdfast/adapter/redis'
import { front } from '@holdfast/http/node'
import { rateLimit as onExpress } from '@holdfast/rate-limit/express'
import { rateLimit as onKoa } from '@holdfast/rate-limit/koa'
import { rateLimit as onNode } from '@holdfast/rate-limit/node'
import express, { type Request, type RequestHandler, type Response } from 'express'
import expressRateLimit from 'express-rate-limit'
import { Redis } from 'ioredis'
import Koa, { type Middleware } from 'koa'
import koaRateLimit from 'koa-ratelimit'
import { RedisStore, type SendCommandFn } from 'rate-limit-redis'
import { type RateLimiterAbstract, RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible'

const ENOUGH = 1_000_000_000
const MINUTE = { windowMs: 60_000 }
const fixed = { ...MINUTE, limit: ENOUGH, algorithm: 'fixed-window' as const }
const used = { ...MINUTE, limit: 1, algorithm: 'fixed-window' as const, denyCache: true }

/** Apps that answer every request with the same few bytes, behind what is measured. Those on Redis take its URL. */
export const apps: Record<string, (redisUrl: string) => RequestListener> = {
  express: () => withExpress(),
  'express, holdfast': () => withExpress(onExpress({ adapter: memoryAdapter(), ...fixed })),
  'express, holdfast log': () => withExpress(onExpress({ adapter: memoryAdapter(), ...MINUTE, limit: 1_000_000 })),
  'express, express-rate-limit': () => withExpress(expressRateLimit({ ...MINUTE, limit: ENOUGH, standardHeaders: 'draft-8' })),
  'express, express-rate-limit, X- fields': () => withExpress(expressRateLimit({ ...MINUTE, limit: ENOUGH })),
  'express, rate-limiter-flexible': () =>
    withExpress(flexible(new RateLimiterMemory({ points: ENOUGH, duration: MINUTE.windowMs / 1_000 }))),
  koa: () => withKoa(),
  'koa, holdfast': () => withKoa(onKoa({ adapter: memoryAdapter(), ...fixed })),
  'koa, koa-ratelimit': () =>
    withKoa(koaRateLimit({ driver: 'memory', db: new Map(), duration: MINUTE.windowMs, max: ENOUGH, id: ({ ip }) => ip })),

  'express, holdfast on Redis': (url) => withExpress(onExpress({ adapter: redisAdapter({ url }), ...fixed })),
  'express, express-rate-limit on Redis': (url) => {
    const client = new Redis(url)
    const sendCommand: SendCommandFn = async (command, ...args) => (await client.call(command, ...args)) as string
    const store = new RedisStore({ sendCommand })
    return withExpress(expressRateLimit({ ...MINUTE, limit: ENOUGH, standardHeaders: 'draft-8', legacyHeaders: false, store }))
  },
  'express, rate-limiter-flexible on Redis': (url) => {
    const storeClient = new Redis(url)
    return withExpress(flexible(new RateLimiterRedis({ storeClient, points: ENOUGH, duration: MINUTE.windowMs / 1_000 })))
  },
  'koa, holdfast on Redis': (url) => withKoa(onKoa({ adapter: redisAdapter({ url }), ...fixed })),
  'koa, koa-ratelimit on Redis': (url) =>
    withKoa(koaRateLimit({ driver: 'redis', db: new Redis(url), duration: MINUTE.windowMs, max: ENOUGH, id: ({ ip }) => ip })),

  'express, refused by the deny cache': () => withExpress(onExpress({ adapter: memoryAdapter(), ...used })),
  'express, refused in front': () => front([onNode({ adapter: memoryAdapter(), ...used })], withExpress()),
  'express, refused by express-rate-limit': () =>
    withExpress(expressRateLimit({ ...MINUTE, limit: 1, standardHeaders: 'draft-8', legacyHeaders: false })),
  'koa, refused by the deny cache': () => withKoa(onKoa({ adapter: memoryAdapter(), ...used })),
  'koa, refused in front': () => front([onNode({ adapter: memoryAdapter(), ...used })], withKoa()),
}

function withExpress(...middlewares: readonly RequestHandler[]): RequestListener {
  const app = express()
  for (const middleware of middlewares) app.use(middleware)
  return app.get('/', (_req, res) => {
    res.json({ hello: 'world' })
  })
}

function withKoa(...middlewares: readonly Middleware[]): RequestListener {
  const app = new Koa()
  for (const middleware of middlewares) app.use(middleware)
  app.use((ctx) => {
    ctx.body = { hello: 'world' }
  })
  const callback = app.callback()
  return (req, res) => void callback(req, res)
}

/** As rate-limiter-flexible is used in Express, with the fields that its documentation has. */
function flexible(limiter: RateLimiterAbstract): RequestHandler {
  function tell(res: Response, left: RateLimiterRes): void {
    res.set({
      'Retry-After': String(left.msBeforeNext / 1_000),
      'X-RateLimit-Limit': String(ENOUGH),
      'X-RateLimit-Remaining': String(left.remainingPoints),
      'X-RateLimit-Reset': String(Math.ceil((Date.now() + left.msBeforeNext) / 1_000)),
    })
  }
  return (req: Request, res, next) => {
    limiter.consume(req.ip ?? '').then(
      (left) => {
        tell(res, left)
        next()
      },
      (left: unknown) => {
        if (!(left instanceof RateLimiterRes)) return next(left)
        tell(res, left)
        res.status(429).send('Too Many Requests')
      },
    )
  }
}
