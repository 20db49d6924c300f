import { type ExpressMiddleware, toExpress } from '@holdfast/http/express'
import type { Request } from 'express'
import { createHandler } from './handler.ts'
import type { IdempotencyMiddlewareOptions } from './request-options.ts'

export type { IdempotencyMiddlewareOptions } from './request-options.ts'
export { getIdempotency, type IdempotentRequest } from './seen.ts'

/**
 * Runs a request once for its `Idempotency-Key`, and gives the same response to those that are sent again.
 *
 * Where it stands after a body parser, it compares what that has made of the body; else it reads the body, and puts it back.
 *
 * @throws {TypeError | RangeError} when an option is missing, unknown or out of range
 */
export function idempotency(options: IdempotencyMiddlewareOptions<Request>): ExpressMiddleware {
  return toExpress(createHandler(options, { request: (req) => req, body: (req) => req.body as unknown }))
}
