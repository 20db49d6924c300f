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
  const middleware = toNode(createHandler(options, { target: responseOf, response: responseOf, inputs: requestInputs }))
  return (request: Answered, response, next) => {
    request[RESPONSE] = response
    return middleware(request, response, next)
  }
}

const RESPONSE: unique symbol = Symbol('response')

/** A weak map would have every request outlive many collections of the heap. */
interface Answered extends IncomingMessage {
  [RESPONSE]?: ServerResponse
}

function responseOf({ [RESPONSE]: response }: Answered): ServerResponse {
  if (response === undefined) throw new Error('A request has a response')
  return response
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
