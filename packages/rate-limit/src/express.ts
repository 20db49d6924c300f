import { toExpress } from '@holdfast/http/express'
import type { Request, RequestHandler } from 'express'
import { addressKey } from './client-key.ts'
import { createHandler, type RateLimitOptions } from './handler.ts'

export { getRateLimit } from './decided.ts'
export type { RateLimitOptions } from './handler.ts'

/**
 * Limits how often a client may ask: refused requests get 429 with `Retry-After`, all get the `RateLimit` fields.
 *
 * @throws {TypeError | RangeError} when an option is missing, unknown or out of range
 */
export function rateLimit(options: RateLimitOptions<Request>): RequestHandler {
  return toExpress(createHandler(options))
}

/**
 * The default key of a request, for a `key` of your own to build on: its address, IPv6 cut to /56.
 *
 * @throws {TypeError} when the request has no address
 */
export function clientKey(request: Request): string {
  return addressKey(request.ip)
}
