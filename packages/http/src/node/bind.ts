import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Handler } from '../exchange.ts'
import { asError, reportLateFailure } from '../failure.ts'
import { named } from '../named.ts'
import { whenClosed } from './closed.ts'
import { NodeExchange, type RequestRules } from './exchange.ts'

/** Binds a handler to whatever calls `(req, res, next)`. Where it asks for no response, no method of it is wrapped. */
export function bind<Native extends IncomingMessage>(
  handler: Handler<Native>,
  rules: RequestRules<Native>,
): (req: Native, res: ServerResponse, next: (error?: unknown) => void) => void {
  async function run(req: Native, res: ServerResponse, next: (error?: unknown) => void): Promise<void> {
    const exchange = new NodeExchange(req, res, rules)
    let passed = false
    function passOn(): void {
      if (passed) throw new Error('next() called multiple times')
      passed = true
      next()
    }
    async function pass(): Promise<void> {
      const closed = whenClosed(req.socket, res)
      passOn()
      await closed
    }
    try {
      const last = await handler(exchange, pass)
      if (last === pass) passOn()
      else await last?.()
    } catch (error) {
      if (passed || exchange.answered) reportLateFailure(error)
      else next(asError(error))
    }
    try {
      exchange.release()
    } catch (error) {
      reportLateFailure(error)
      res.destroy() // the response cannot be sent as it is
    }
  }
  function middleware(req: Native, res: ServerResponse, next: (error?: unknown) => void): void {
    if (typeof next !== 'function') throw new TypeError(NOT_KOA)
    run(req, res, next).catch(reportLateFailure)
  }
  return named(middleware, handler)
}

const NOT_KOA =
  'This middleware is called with (req, res, next), by Express or in front: for a Koa app import it from the entry that ends in /koa'
