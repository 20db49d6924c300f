import { toKoa } from '@holdfast/http/koa'
import type { Context, Middleware } from 'koa'
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
export function rateLimit(options: RateLimitOptions<Context>): Middleware {
  return toKoa(createHandler(options, checkProxies))
}

/**
 * The default key of a request, for a `key` of your own to build on: its address, IPv6 cut to /56.
 *
 * @throws {TypeError} when the request has no address
 */
export function clientKey(context: Context): string {
  checkProxies(context)
  return addressKey(context.ip)
}

/** Koa takes the leftmost address of the field, which is the client's to write, unless it knows how many proxies add theirs. */
function checkProxies({ app, req }: Context): void {
  if (app.proxy) {
    if (!(app.maxIpsCount > 0) && app.proxyIpHeader.toLowerCase() === 'x-forwarded-for') warnThatAllAreTrusted(app, REMEDY)
  } else if (req.headers['x-forwarded-for'] !== undefined) warnThatNoneIsTrusted(app, REMEDY)
}

const REMEDY = 'Say how many proxies there are: new Koa({ proxy: true, maxIpsCount: 1 })'
