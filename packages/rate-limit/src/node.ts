import type { IncomingMessage } from 'node:http'
import { shown } from '@holdfast/adapter/options'
import type { HttpResponse } from '@holdfast/http'
import { addressOf, type NodeMiddleware, toNode, trustsProxies } from '@holdfast/http/node'
import { addressKey } from './client-key.ts'
import { createHandler } from './handler.ts'
import { warnThatNoneIsTrusted } from './proxies.ts'
import { isResponse } from './refusal.ts'
import { checkRequestOptions, type RateLimitOptions } from './request-options.ts'

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
  checkRequestOptions(options)
  const { onLimited } = options
  const answered = onLimited === undefined ? options : { ...options, onLimited: answering(onLimited) }
  return toNode(createHandler(answered, checkProxies))
}

/**
 * The default key of a request, for a `key` of your own to build on: its address, by the `trustProxy` of `front`, IPv6 cut to /56.
 *
 * @throws {TypeError} when the request has no address
 */
export function clientKey(request: IncomingMessage): string {
  checkProxies(request)
  return addressKey(addressOf(request))
}

function checkProxies(request: IncomingMessage): void {
  if (trustsProxies(request) || !request.rawHeaders.some(isForwardedFor)) return
  warnThatNoneIsTrusted(serverOf(request), REMEDY)
}

/** Of names and values in turn: to ask for one of `headers` would have Node make them all, for a refusal too. */
function isForwardedFor(name: string, index: number): boolean {
  return name.length === FORWARDED_FOR.length && index % 2 === 0 && name.toLowerCase() === FORWARDED_FOR
}

const FORWARDED_FOR = 'x-forwarded-for'

/** The app, as far as there is one without a framework. */
function serverOf({ socket }: IncomingMessage): object {
  const server: unknown = Reflect.get(socket, 'server')
  return typeof server === 'object' && server !== null ? server : PROCESS
}

/** Where Node does not say by which server a request came. */
const PROCESS = {}

const REMEDY = 'Say how many proxies there are: front(middlewares, app, { trustProxy: 1 })'

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
