import { type ExpressMiddleware, toExpress } from '@holdfast/http/express'
import type { Request, Response } from 'express'
import { type CacheForOptions, sayCacheFor, sayNoCache } from './directives.ts'
import { createHandler } from './handler.ts'
import { requestInputs } from './inputs.ts'
import type { ResponseCacheMiddlewareOptions } from './middleware-options.ts'

export type { CacheForOptions } from './directives.ts'
export type ExpressResponseCacheOptions = ResponseCacheMiddlewareOptions<Request, Response>

/**
 * Stores responses, and answers from what is stored.
 *
 * @throws {TypeError | RangeError} when an option is missing, unknown or out of range
 */
export function responseCache(options: ExpressResponseCacheOptions): ExpressMiddleware {
  return toExpress(createHandler(options, { target: responseOf, response: responseOf, inputs: requestInputs }))
}

/**
 * Has a response stored: in a handler, before it answers. Its own `no-store` or `private` wins.
 *
 * @throws {TypeError | RangeError} when an option is unknown or out of range
 */
export function cacheFor(response: Response, options: CacheForOptions): void {
  sayCacheFor(response, options)
}

/** Keeps a response from being stored. */
export function noCache(response: Response): void {
  sayNoCache(response)
}

function responseOf({ res }: Request): Response {
  if (res === undefined) throw new Error('Express has set no response on the request')
  return res
}
