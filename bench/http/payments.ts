import type { RequestListener } from 'node:http'
import type { Adapter } from '@holdfast/adapter'
import { memoryAdapter } from '@holdfast/adapter/memory'
import { redisAdapter } from '@holdfast/adapter/redis'
import { front } from '@holdfast/http/node'
import { idempotency as onExpress } from '@holdfast/idempotency/express'
import { idempotency as onKoa } from '@holdfast/idempotency/koa'
import { idempotency as onNode } from '@holdfast/idempotency/node'
import express, { type RequestHandler } from 'express'
import { getSharedIdempotencyService, idempotency as peer } from 'express-idempotency'
import Koa, { type Middleware } from 'koa'

/** Apps that take every POST for a payment. Those on Redis take its URL. */
export const paymentApps: Record<string, (redisUrl: string) => RequestListener> = {
  'express payments': () => withExpress(),
  'express payments, once': () => withExpress(onExpress(options(memoryAdapter()))),
  'express payments, express-idempotency': withPeer,
  'express payments, once, in front': () => front([onNode(options(memoryAdapter()))], withExpress()),
  'express payments, once, on Redis': (url) => withExpress(onExpress(options(redisAdapter({ url })))),
  'koa payments': () => withKoa(),
  'koa payments, once': () => withKoa(onKoa(options(memoryAdapter()))),
  'koa payments, once, on Redis': (url) => withKoa(onKoa(options(redisAdapter({ url })))),
}

function options(adapter: Adapter): { adapter: Adapter; scope: 'public' } {
  return { adapter, scope: 'public' }
}

function withExpress(...middlewares: readonly RequestHandler[]): RequestListener {
  const app = express()
  app.use(express.json())
  for (const middleware of middlewares) app.use(middleware)
  return app.post('/payments', (_req, res) => {
    res.status(201).json({ paid: true })
  })
}

/** As express-idempotency is used: its handler asks whether there is a response already. */
function withPeer(): RequestListener {
  const app = express()
  app.use(express.json(), peer())
  return app.post('/payments', (req, res) => {
    if (!getSharedIdempotencyService().isHit(req)) res.status(201).json({ paid: true })
  })
}

function withKoa(...middlewares: readonly Middleware[]): RequestListener {
  const app = new Koa()
  for (const middleware of middlewares) app.use(middleware)
  app.use((ctx) => {
    ctx.status = 201
    ctx.body = { paid: true }
  })
  const callback = app.callback()
  return (req, res) => void callback(req, res)
}
