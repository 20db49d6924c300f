import type { Request, RequestHandler } from 'express'
import type { Handler } from './exchange.ts'
import { bind } from './node/bind.ts'

/** Binds a handler to Express 4 or 5. The client's address follows the app's `trust proxy`. */
export function toExpress(handler: Handler<Request>): RequestHandler {
  return bind(handler, { url: ({ originalUrl }) => originalUrl, ip: ({ ip }) => ip || undefined })
}
