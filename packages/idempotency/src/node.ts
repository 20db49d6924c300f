import type { IncomingMessage } from 'node:http'
import { type NodeMiddleware, toNode } from '@holdfast/http/node'
import { createHandler } from './handler.ts'
import type { IdempotencyMiddlewareOptions } from './request-options.ts'

export type { IdempotencyMiddlewareOptions } from './request-options.ts'
export { getIdempotency, type IdempotentRequest } from './seen.ts'

/**
 * Runs a request once for its `Idempotency-Key`, and gives the same response to those that are sent again: in front of the app or
 * without a framework. It reads the body, and puts it back.
 *
 * @throws {TypeError | RangeError} when an option is missing, unknown or out of range
 */
export function idempotency(options: IdempotencyMiddlewareOptions<IncomingMessage>): NodeMiddleware {
  return toNode(
    createHandler(options, { request: (request) => request, body: (request) => Reflect.get(request, 'body') as unknown }),
  )
}
