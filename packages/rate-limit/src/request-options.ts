import { checkedWhole, checkFunctions, checkKnown, shown } from '@holdfast/adapter/options'
import { checkedSubnet, IPV6_SUBNET } from './client-key.ts'
import type { Cost, Limit } from './cost.ts'
import { type Count, counted, type IsCounted } from './count.ts'
import type { Decision } from './decision.ts'
import type { DialectName } from './headers/dialects.ts'
import { LIMITER_OPTIONS, type RateLimiterOptions } from './options.ts'
import type { RateLimiter } from './rate-limiter.ts'
import type { Message } from './refusal.ts'

/** `Answer` is what `onLimited` may return. */
export type RateLimitOptions<Native, Answer = unknown> = RequestOptions<Native, Answer> & (RateLimiterOptions | GivenLimiter)

export interface GivenLimiter {
  /** An engine made elsewhere, to inspect or reset it, in place of the options that make one. */
  readonly limiter: RateLimiter
}

interface RequestOptions<Native, Answer> {
  /**
   * Whose quota a request is charged to. Where it gives no string, or an empty one, the request fails by a TypeError: all of those would
   * share a quota. Defaults to the client's address by the framework's own proxy rules.
   */
  readonly key?: (native: Native) => string | Promise<string>
  /** What a request costs: a number for all policies, or by policy name. Defaults to 1. */
  readonly cost?: Cost | ((native: Native) => Cost | Promise<Cost>)
  /** Whether a request passes uncharged. Defaults to none. */
  readonly skip?: (native: Native) => boolean | Promise<boolean>
  /** Another limit for a request: a number for all policies, or by policy name. Defaults to the policies' own. */
  readonly limitOf?: (native: Native) => Limit | Promise<Limit>
  /**
   * Which requests stay charged once they are answered: those with a status of 400 and more (`'failed'`), those below
   * (`'successful'`), or those that a function picks. What is not counted is given back. A request whose client left before it was
   * answered stays charged. Defaults to `'all'`.
   */
  readonly count?: Count<Native>
  /**
   * The fields that tell clients their quota: of draft-ietf-httpapi-ratelimit-headers-11, of an older draft, `X-RateLimit-*`
   * (`'legacy'`), several of them, or none. Defaults to `'draft'`.
   */
  readonly headers?: DialectName | readonly DialectName[] | false
  /**
   * A secret of your own: the draft's fields get `pk`, an HMAC of the key under it, by which a client that uses several quotas tells
   * them apart. Defaults to none, and to no `pk`.
   */
  readonly partitionKeySecret?: string | Uint8Array
  /** The status of a refusal, from 400 to 599. Defaults to 429. Whatever it is, an adapter that fails closed is a 503. */
  readonly statusCode?: number
  /** What a refused client is told: a text, an object that is sent as JSON, or a function that gives one. Defaults to a problem (RFC 9457). */
  readonly message?: Message<Native>
  /**
   * Answers a refused request, by the framework's own means or by a response (`{ status, headers, body }`) that it returns. The fields
   * of `headers`, `Retry-After` and `Cache-Control` are set already. An adapter that fails closed is answered without it.
   * Defaults to an answer with `message`.
   */
  readonly onLimited?: (native: Native, decision: Decision) => Answer | Promise<Answer>
  /** How many bits of an IPv6 address make one client. Defaults to 56. */
  readonly ipv6Subnet?: number
}

/** Options with their defaults filled in. */
interface RequestSettings<Native> {
  readonly key: RateLimitOptions<Native>['key']
  readonly cost: Cost | ((native: Native) => Cost | Promise<Cost>)
  readonly skip: RateLimitOptions<Native>['skip']
  readonly limitOf: RateLimitOptions<Native>['limitOf']
  /** Whether a request that was answered with a status stays charged; undefined: every one does. */
  readonly isCounted: IsCounted<Native> | undefined
  readonly headers: DialectName | readonly DialectName[] | false
  readonly partitionKeySecret: string | Uint8Array | undefined
  readonly statusCode: number
  readonly message: Message<Native> | undefined
  readonly onLimited: RateLimitOptions<Native>['onLimited']
  readonly ipv6Subnet: number
  /** What is left of the options. */
  readonly engine: RateLimiterOptions | GivenLimiter
}

/** @throws {TypeError | RangeError} when an option is not what it must be */
export function checkedRequestOptions<Native>(options: RateLimitOptions<Native>): RequestSettings<Native> {
  checkRequestOptions(options)
  const { key, cost = 1, skip, limitOf, count = 'all', ipv6Subnet = IPV6_SUBNET, ...answering } = options
  const { headers = 'draft', partitionKeySecret, statusCode = 429, message, onLimited, ...engine } = answering
  checkFunctions({ key, skip, limitOf, onLimited })
  checkedWhole('statusCode', statusCode, 400, 599)
  if (message !== undefined && (message === null || !['string', 'object', 'function'].includes(typeof message))) {
    throw new TypeError(`message must be a string, an object or a function, got ${shown(message)}`)
  }
  if (message !== undefined && onLimited !== undefined) {
    throw new TypeError('message and onLimited are both given: onLimited answers alone')
  }
  if (partitionKeySecret !== undefined) checkSecret(partitionKeySecret, headers)
  checkedSubnet(ipv6Subnet)
  const isCounted = counted(count)
  return { key, cost, skip, limitOf, isCounted, headers, partitionKeySecret, statusCode, message, onLimited, ipv6Subnet, engine }
}

/** @throws {TypeError} when there is an option that nothing reads, as those that make a limiter are beside one */
export function checkRequestOptions<Native, Answer>(options: RateLimitOptions<Native, Answer>): void {
  checkKnown('rateLimit', options, [...LIMITER_OPTIONS, ...REQUEST_OPTIONS])
  if ('limiter' in options) checkKnown('rateLimit with a limiter', options, REQUEST_OPTIONS)
}

const REQUEST_OPTIONS = [
  ...['limiter', 'key', 'cost', 'skip', 'limitOf', 'count', 'headers', 'partitionKeySecret', 'statusCode', 'message'],
  ...['onLimited', 'ipv6Subnet'],
]

function checkSecret(secret: unknown, headers: RateLimitOptions<unknown>['headers']): void {
  const isSecret = typeof secret === 'string' || secret instanceof Uint8Array
  if (!isSecret || secret.length < 16) {
    throw new TypeError('partitionKeySecret must be a string or bytes, at least 16 long')
  }
  if (headers !== 'draft' && !(Array.isArray(headers) && headers.includes('draft'))) {
    throw new TypeError("partitionKeySecret is for the fields of 'draft', which headers leaves out")
  }
}
