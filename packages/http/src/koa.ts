import type { Context, Middleware } from 'koa'
import type { Handler } from './exchange.ts'
import { asError, reportLateFailure } from './failure.ts'
import { KoaExchange } from './koa/exchange.ts'
import { named } from './named.ts'

/** Binds a handler to Koa 2 or 3. The client's address follows the app's `proxy` settings. */
export function toKoa(handler: Handler<Context>): Middleware {
  async function run(exchange: KoaExchange, next: () => Promise<void>): Promise<void> {
    try {
      const last = await handler(exchange, next)
      await last?.()
    } catch (error) {
      const failure: unknown = asError(error)
      if (!exchange.answered) throw failure
      reportLateFailure(failure)
    }
    try {
      exchange.release()
    } catch (error) {
      reportLateFailure(error)
      exchange.native.res.destroy() // the response cannot be sent as it is
    }
  }
  const middleware: Middleware = (ctx, next) => {
    if (ctx.req === undefined) throw new TypeError(ONLY_KOA) // at once: Express 4 answers no promise that rejects
    return new Promise<void>((resolve, reject) => {
      run(new KoaExchange(ctx, resolve), next).then(resolve, reject) // a stream goes out before its handler is done with it
    })
  }
  return named(middleware, handler)
}

const ONLY_KOA =
  'This middleware is called with (ctx, next), by Koa: for Express import it from the entry that ends in /express, for front from /node'
