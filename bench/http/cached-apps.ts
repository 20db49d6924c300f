import type { RequestListener } from 'node:http'
import type { Adapter } from '@holdfast/adapter'
import { memoryAdapter } from '@holdfast/adapter/memory'
import { redisAdapter } from '@holdfast/adapter/redis'
import { front } from '@holdfast/http/node'
import { responseCache as onExpress } from '@holdfast/response-cache/express'
import { responseCache as onKoa } from '@holdfast/response-cache/koa'
import { responseCache as onNode } from '@holdfast/response-cache/node'
import apicache from 'apicache'
import express, { type RequestHandler } from 'express'
import { Redis } from 'ioredis'
import Koa, { type Middleware } from 'koa'

const HOUR_MS = 3_600_000
const SIZES = { '1 kB': 1_000, '50 kB': 50_000 }

/** Apps that answer every request with the same bytes: made by a handler each time, or stored. Those on Redis take its URL. */
export const cachedApps: Record<string, (redisUrl: string) => RequestListener> = Object.fromEntries(
  Object.entries(SIZES).flatMap(([size, bytes]) =>
    Object.entries(appsOf(Buffer.alloc(bytes, 'x'))).map(([name, app]) => [`${name}, ${size}`, app]),
  ),
)

function appsOf(body: Buffer): Record<string, (redisUrl: string) => RequestListener> {
  const inMemory = () => cached(memoryAdapter())
  const inRedis = (url: string) => cached(redisAdapter({ url, prefix: `bench:${body.length}:` }))
  const bare: RequestListener = (_req, res) => void res.setHeader('Content-Type', 'application/octet-stream').end(body)
  return {
    node: () => bare,
    'node, holdfast': () => front([onNode(inMemory())], bare),
    express: () => withExpress(body),
    'express, holdfast': () => withExpress(body, onExpress(inMemory())),
    'express, holdfast in front': () => front([onNode(inMemory())], withExpress(body)),
    koa: () => withKoa(body),
    'koa, holdfast': () => withKoa(body, onKoa(inMemory())),
    'express, holdfast on Redis': (url) => withExpress(body, onExpress(inRedis(url))),
    'express, apicache on Redis': (url) => {
      const redisClient = Object.assign(new Redis(url, { keyPrefix: `bench:apicache:${body.length}:` }), { connected: true })
      return withExpress(body, apicache.options({ redisClient }).middleware('1 hour'))
    },
  }
}

function cached(adapter: Adapter) {
  return { adapter, ttlMs: HOUR_MS, timeoutMs: 5_000 }
}

function withExpress(body: Buffer, ...middlewares: readonly RequestHandler[]): RequestListener {
  const app = express()
  for (const middleware of middlewares) app.use(middleware)
  return app.get('/', (_req, res) => {
    res.setHeader('Content-Type', 'application/octet-stream')
    res.setHeader('Content-Length', body.length)
    res.end(body)
  })
}

function withKoa(body: Buffer, ...middlewares: readonly Middleware[]): RequestListener {
  const app = new Koa()
  for (const middleware of middlewares) app.use(middleware)
  app.use((ctx) => {
    ctx.body = body
  })
  const callback = app.callback()
  return (req, res) => void callback(req, res)
}
