import type { IncomingMessage } from 'node:http'
import { type NodeMiddleware, toNode } from '@holdfast/http/node'
import { createHandler, type RateLimitOptions } from './handler.ts'

export { getRateLimit } from './decided.ts'
export type { RateLimitOptions } from './handler.ts'

/**
 * Limits how often a client may ask, in front of the app or without a framework: refused requests get 429 with `Retry-After`, all
 * get the `RateLimit` fields.
 *
 * @throws {TypeError | RangeError} when an option is missing, unknown or out of range
 */
export function rateLimit(options: RateLimitOptions<IncomingMessage>): NodeMiddleware {
  return toNode(createHandler(options))
}
