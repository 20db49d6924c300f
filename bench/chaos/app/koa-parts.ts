import { rateLimit } from '@holdfast/rate-limit/koa'
import Koa, { type Context, type Middleware } from 'koa'
import { FLOOD, type Site } from './site.ts'
import { statusOf } from './status.ts'

/** An app that answers errors by their status, behind a limit that is never reached. */
export function koa({ adapter }: Site): Koa {
  const app = new Koa()
  app.use(async (ctx, next) => {
    try {
      await next()
    } catch (error) {
      ctx.status = statusOf(error)
      ctx.body = { error: error instanceof Error ? error.stack : String(error) }
    }
  })
  return app.use(rateLimit({ adapter, ...FLOOD }))
}

/** These, for the paths that begin so. */
export function at(path: string, ...middlewares: Middleware[]): Middleware {
  return (ctx, next) => {
    if (!ctx.path.startsWith(path)) return next()
    const from = async (index: number): Promise<void> => {
      await middlewares[index]?.(ctx, () => from(index + 1))
    }
    return from(0)
  }
}

/** Answers by what comes of it, as JSON. */
export function answering(handle: (ctx: Context) => Promise<unknown>): Middleware {
  return async (ctx) => {
    ctx.body = (await handle(ctx)) ?? {}
  }
}
