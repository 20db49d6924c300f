import type { IncomingMessage, ServerResponse } from 'node:http'
import { type NodeMiddleware, toNode } from '@holdfast/http/node'
import { type CacheForOptions, sayCacheFor, sayNoCache } from './directives.ts'
import { createHandler } from './handler.ts'
import { requestInputs } from './inputs.ts'
import type { ResponseCacheMiddlewareOptions } from './middleware-options.ts'

export type { CacheForOptions } from './directives.ts'
export type NodeResponseCacheOptions = ResponseCacheMiddlewareOptions<IncomingMessage, ServerResponse>

/**
 * Stores responses, and answers from what is stored, in front of the app or without a framework.
 *
 * @throws {TypeError | RangeError} when an option is missing, unknown or out of range
 */
export function responseCache(options: NodeResponseCacheOptions): NodeMiddleware {
  const responses = new WeakMap<IncomingMessage, ServerResponse>()

  function responseOf(request: IncomingMessage): ServerResponse {
    const response = responses.get(request)
    if (response === undefined) throw new Error('A request has a response')
    return response
  }

  const middleware = toNode(createHandler(options, { target: responseOf, response: responseOf, inputs: requestInputs }))
  return (request, response, next) => {
    responses.set(request, response)
    return middleware(request, response, next)
  }
}

/**
 * Has a response stored: in a handler, before it answers. Its own `no-store` or `private` wins.
 *
 * @throws {TypeError | RangeError} when an option is unknown or out of range
 */
export function cacheFor(response: ServerResponse, options: CacheForOptions): void {
  sayCacheFor(response, options)
}

/** Keeps a response from being stored. */
export function noCache(response: ServerResponse): void {
  sayNoCache(response)
}
