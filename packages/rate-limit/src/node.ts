import type { IncomingMessage } from 'node:http'
import type { HttpResponse } from '@holdfast/http'
import { addressOf, type NodeMiddleware, toNode } from '@holdfast/http/node'
import { addressKey } from './client-key.ts'
import { createHandler } from './handler.ts'
import { checkGiven, shown } from './policy.ts'
import { isResponse } from './refusal.ts'
import type { RateLimitOptions } from './request-options.ts'

export { getRateLimit } from './decided.ts'

/** Here `onLimited` returns the response: a request has none to write to. */
export type NodeRateLimitOptions = RateLimitOptions<IncomingMessage, HttpResponse>

/**
 * Limits how often a client may ask, in front of the app or without a framework: refused requests get 429 with `Retry-After`, all
 * get the `RateLimit` fields.
 *
 * @throws {TypeError | RangeError} when an option is missing, unknown or out of range
 */
export function rateLimit(options: NodeRateLimitOptions): NodeMiddleware {
  checkGiven('options', options)
  const { onLimited } = options
  return toNode(createHandler(onLimited === undefined ? options : { ...options, onLimited: answering(onLimited) }))
}

/**
 * The default key of a request, for a `key` of your own to build on: its address, by the `trustProxy` of `front`, IPv6 cut to /56.
 *
 * @throws {TypeError} when the request has no address
 */
export function clientKey(request: IncomingMessage): string {
  return addressKey(addressOf(request))
}

/** Nobody else would answer a request for which it returns nothing. */
function answering(onLimited: OnLimited): OnLimited {
  if (typeof onLimited !== 'function') return onLimited
  return async (request, decision) => {
    const answer = await onLimited(request, decision)
    if (!isResponse(answer))
      throw new TypeError(`onLimited must return a response, { status, headers, body }, got ${shown(answer)}`)
    return answer
  }
}

type OnLimited = NonNullable<NodeRateLimitOptions['onLimited']>
