import { type ExpressMiddleware, toExpress } from '@holdfast/http/express'
import type { Request } from 'express'
import { addressKey } from './client-key.ts'
import { createHandler } from './handler.ts'
import { warnThatAllAreTrusted, warnThatNoneIsTrusted } from './proxies.ts'
import type { RateLimitOptions } from './request-options.ts'

export { getRateLimit } from './decided.ts'
export type { RateLimitOptions } from './request-options.ts'

/**
 * Limits how often a client may ask: refused requests get 429 with `Retry-After`, all get the `RateLimit` fields.
 *
 * @throws {TypeError | RangeError} when an option is missing, unknown or out of range
 */
export function rateLimit(options: RateLimitOptions<Request>): ExpressMiddleware {
  return toExpress(createHandler(options, checkProxies))
}

/**
 * The default key of a request, for a `key` of your own to build on: its address, IPv6 cut to /56.
 *
 * @throws {TypeError} when the request has no address
 */
export function clientKey(request: Request): string {
  checkProxies(request)
  return addressKey(request.ip)
}

function checkProxies({ app, headers }: Request): void {
  const trusted: unknown = app?.get('trust proxy') // a router may be used without an app
  if (trusted === true) warnThatAllAreTrusted(app, REMEDY)
  else if (trusted === false && headers['x-forwarded-for'] !== undefined) warnThatNoneIsTrusted(app, REMEDY)
}

const REMEDY = "Say how many proxies there are: app.set('trust proxy', 1)"
