import type { Adapter } from '@holdfast/adapter'
import { rateLimit } from '@holdfast/rate-limit/koa'
import Koa from 'koa'

/** A small API: ten requests a minute for each client. */
export function createApp(adapter: Adapter): Koa {
  const app = new Koa()
  const limitApi = rateLimit({ adapter, limit: 10, windowMs: 60_000 })

  app.use(async (ctx, next) => {
    if (isApi(ctx.path)) await limitApi(ctx, next)
    else await next()
  })
  app.use((ctx) => {
    if (ctx.path === '/') ctx.body = 'Try /api and /api/time\n'
    if (ctx.path === '/api') ctx.body = { hello: 'world' }
    if (ctx.path === '/api/time') ctx.body = { time: new Date().toISOString() }
  })

  return app
}

function isApi(path: string): boolean {
  return path === '/api' || path.startsWith('/api/')
}
