import type { Adapter } from '@holdfast/adapter'
import { rateLimit } from '@holdfast/rate-limit/koa'
import Koa from 'koa'
import { useAccounts } from './accounts.ts'

/** A small API, ten requests a minute for each client, and accounts with sessions. */
export function createApp(adapter: Adapter, secret: string): Koa {
  const app = new Koa()
  app.keys = [secret]
  const limitApi = rateLimit({ adapter, limit: 10, windowMs: 60_000 })

  app.use(async (ctx, next) => {
    if (isApi(ctx.path)) await limitApi(ctx, next)
    else await next()
  })
  app.use(async (ctx, next) => {
    if (ctx.path === '/') ctx.body = 'Try /api, /api/time, and accounts: /login, /cart, /transfer, /logout, /logout-everywhere\n'
    else if (ctx.path === '/api') ctx.body = { hello: 'world' }
    else if (ctx.path === '/api/time') ctx.body = { time: new Date().toISOString() }
    else await next()
  })
  useAccounts(app, adapter)
  return app
}

function isApi(path: string): boolean {
  return path === '/api' || path.startsWith('/api/')
}
