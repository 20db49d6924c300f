import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Request } from 'express'
import type { Handler } from './exchange.ts'
import { bind } from './node/bind.ts'

/** A middleware of Express that says nothing of a route's parameters: handlers beside it know them by the route's path. */
export type ExpressMiddleware = (
  req: IncomingMessage & Pick<Request, 'originalUrl'>,
  res: ServerResponse,
  next: (error?: unknown) => void,
) => void

/** Binds a handler to Express 4 or 5. The client's address follows the app's `trust proxy`. */
export function toExpress(handler: Handler<Request>): ExpressMiddleware {
  const bound = bind(handler, { url: ({ originalUrl }) => originalUrl, ip: ({ ip }) => ip || undefined })
  return bound as ExpressMiddleware // what has `originalUrl` is Express' own
}
