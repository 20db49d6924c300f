import type { Context, Middleware } from 'koa'
import type { Handler } from './exchange.ts'
import { reportLateFailure } from './failure.ts'
import { KoaExchange } from './koa/exchange.ts'

/** Binds a handler to Koa 2 or 3. The client's address follows the app's `proxy` settings. */
export function toKoa(handler: Handler<Context>): Middleware {
  return async (ctx, next) => {
    const exchange = new KoaExchange(ctx)
    try {
      await handler(exchange, next)
    } catch (error) {
      if (!exchange.answered) throw error
      reportLateFailure(error)
    }
  }
}
