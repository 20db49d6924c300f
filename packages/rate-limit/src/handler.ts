import type { Exchange, Handler } from '@holdfast/http'
import { addressKey, checkedSubnet, IPV6_SUBNET } from './client-key.ts'
import type { Cost } from './cost.ts'
import { isDecided, remember } from './decided.ts'
import { draftFields } from './headers.ts'
import { createRateLimiter, type RateLimiter } from './limiter.ts'
import type { RateLimiterOptions } from './options.ts'
import { checkNothingUnknown, shown } from './policy.ts'
import { refusal } from './refusal.ts'

export type RateLimitOptions<Native> = RequestOptions<Native> & (RateLimiterOptions | GivenLimiter)

interface GivenLimiter {
  /** An engine made elsewhere, to inspect or reset it, in place of the options that make one. */
  readonly limiter: RateLimiter
}

interface RequestOptions<Native> {
  /** Whose quota a request is charged to. Defaults to the client's address by the framework's own proxy rules. */
  readonly key?: (native: Native) => string | Promise<string>
  /** What a request costs. Defaults to 1. */
  readonly cost?: Cost | ((native: Native) => Cost | Promise<Cost>)
  /** Whether a request passes uncharged. Defaults to none. */
  readonly skip?: (native: Native) => boolean | Promise<boolean>
  /** The fields that tell clients their quota: those of the IETF draft, or none. Defaults to `'draft'`. */
  readonly headers?: 'draft' | false
  /** How many bits of an IPv6 address make one client. Defaults to 56. */
  readonly ipv6Subnet?: number
}

/** Refuses requests over the limit with 429, and tells every client its quota. */
export function createHandler<Native extends object>(options: RateLimitOptions<Native>): Handler<Native> {
  const { key, cost = 1, skip, headers = 'draft', ipv6Subnet = IPV6_SUBNET, ...engine } = options
  for (const [name, value] of Object.entries({ key, skip })) {
    if (value !== undefined && typeof value !== 'function') throw new TypeError(`${name} must be a function, got ${shown(value)}`)
  }
  if (headers !== 'draft' && headers !== false) throw new RangeError(`headers must be 'draft' or false, got ${shown(headers)}`)
  checkedSubnet(ipv6Subnet)
  const limiter = limiterOf(engine)
  const holdsSlots = limiter.policies.some(({ algorithm }) => algorithm === 'concurrency')
  const fieldsOf = headers === 'draft' ? draftFields(limiter.policies) : () => []

  async function subjectOf(exchange: Exchange<Native>): Promise<string> {
    return key === undefined ? addressKey(exchange.ip, ipv6Subnet) : key(exchange.native)
  }

  return async function rateLimit(exchange, next) {
    const { native } = exchange
    if (skip !== undefined && (await skip(native))) return next()
    if (exchange.aborted && exchange.ip === undefined) return
    const subject = await subjectOf(exchange)
    if (isDecided(native, limiter, subject)) return next()
    const decision = await limiter.consume(subject, { cost: typeof cost === 'function' ? await cost(native) : cost })
    remember(native, { limiter, subject, decision })
    for (const [name, value] of fieldsOf(decision)) exchange.setHeader(name, value)
    if (!decision.allowed) return exchange.respond(refusal(decision))
    if (holdsSlots) exchange.onClose(() => void decision.receipt?.release())
    return next()
  }
}

function limiterOf(engine: RateLimiterOptions | GivenLimiter): RateLimiter {
  if (!('limiter' in engine)) return createRateLimiter(engine)
  const { limiter, ...unknown } = engine
  checkNothingUnknown('options with a limiter', unknown)
  return limiter
}
