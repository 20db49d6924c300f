import { createHmac } from 'node:crypto'
import { isIPv6 } from 'node:net'
import { inspect } from 'node:util'
import { shown } from '@holdfast/adapter/options'
import type { Exchange, Handler } from '@holdfast/http'
import { addressKey } from './client-key.ts'
import { costsOf } from './cost.ts'
import { isDecided, remember } from './decided.ts'
import type { Decision, Receipt } from './decision.ts'
import { announceFailure } from './events.ts'
import { dialectsOf } from './headers/dialects.ts'
import { createRateLimiter } from './limiter.ts'
import type { RateLimiterOptions } from './options.ts'
import { warnThatAddressIsWhole } from './proxies.ts'
import type { ConsumeOptions, RateLimiter } from './rate-limiter.ts'
import { isResponse, messageOf, problemsFor, refusalHeaders, withBody } from './refusal.ts'
import { checkedRequestOptions, type GivenLimiter, type RateLimitOptions } from './request-options.ts'

/**
 * Refuses requests over the limit with 429, and tells every client its quota.
 *
 * @param checkProxies Looks, before an address is a key, whether the app's proxy settings let clients choose it
 */
export function createHandler<Native extends object>(
  options: RateLimitOptions<Native>,
  checkProxies: (native: Native) => void = () => {},
): Handler<Native> {
  const { key, cost, skip, limitOf, isCounted, ipv6Subnet, ...answering } = checkedRequestOptions(options)
  const { headers, partitionKeySecret, statusCode, message, onLimited, engine } = answering
  const limiter = limiterOf(engine)
  if (typeof cost !== 'function') costsOf(cost, limiter.policies)
  const usual = typeof cost === 'function' || limitOf !== undefined ? undefined : { cost }
  const dialects = dialectsOf(headers, limiter.policies, limiter.adapter.now)
  const holdsSlots = limiter.policies.some(({ algorithm }) => algorithm === 'concurrency')
  const isSettled = holdsSlots || isCounted !== undefined
  const problemOf = problemsFor(statusCode)

  function subjectOf({ native, ip }: Exchange<Native>): string | Promise<string> {
    if (key !== undefined) return key(native)
    checkProxies(native)
    return addressKey(ip, ipv6Subnet)
  }

  async function optionsOf(native: Native): Promise<ConsumeOptions> {
    const units = typeof cost === 'function' ? await cost(native) : cost
    return limitOf === undefined ? { cost: units } : { cost: units, limit: await limitOf(native) }
  }

  function tell(exchange: Exchange<Native>, subject: string, decision: Decision): void {
    const told = remember(exchange.native, limiter, subject, decision)
    const partitionKey =
      partitionKeySecret === undefined
        ? undefined
        : createHmac('sha256', partitionKeySecret).update(subject).digest().subarray(0, 16)
    for (const dialect of dialects) dialect(exchange, decision, partitionKey, told)
  }

  async function refuse(exchange: Exchange<Native>, decision: Decision): Promise<void> {
    const { native } = exchange
    const isLimited = decision.source !== 'closed'
    if (isLimited && onLimited !== undefined) {
      for (const [name, value] of Object.entries(refusalHeaders(decision))) exchange.setHeader(name, value)
      const answer = await onLimited(native, decision)
      if (isResponse(answer)) exchange.respond(withBody(answer))
      return
    }
    if (isLimited && message !== undefined) {
      const told = typeof message === 'function' ? await message(native, decision) : message
      return exchange.respond(messageOf(decision, statusCode, told))
    }
    exchange.respond(problemOf(decision))
  }

  /** Gives back what the response shows to be free, and what was held for the time of the request. */
  async function settle({ native, status }: Exchange<Native>, subject: string, receipt: Receipt): Promise<void> {
    let isFree = false
    try {
      isFree = status !== undefined && (await isCounted?.(native, status)) === false
      if (isFree) await receipt.refund()
    } catch (error) {
      announceFailure({ name: limiter.name, key: subject, call: 'count', error })
      process.emitWarning(`count failed, and the request stays charged: ${inspect(error)}`, WARNING)
    }
    if (holdsSlots && !isFree) await receipt.release()
  }

  return async function rateLimit(exchange, next) {
    const { native } = exchange
    if (skip !== undefined && (await skip(native))) return next
    if (exchange.aborted && exchange.ip === undefined) return
    const given = subjectOf(exchange)
    const subject = typeof given === 'string' && given !== '' ? given : checkedSubject(await given)
    if (key !== undefined && isIPv6(subject)) warnThatAddressIsWhole(limiter)
    if (isDecided(native, limiter, subject)) return next
    const decision = await limiter.consume(subject, usual ?? (await optionsOf(native)))
    tell(exchange, subject, decision)
    if (!decision.allowed) return refuse(exchange, decision)
    const { receipt } = decision
    if (receipt !== undefined && isSettled) exchange.onClose(() => void settle(exchange, subject, receipt))
    return next
  }
}

function checkedSubject(given: unknown): string {
  if (typeof given === 'string' && given !== '') return given
  throw new TypeError(`key must return a string that is not empty, got ${shown(given)}`)
}

function limiterOf(engine: RateLimiterOptions | GivenLimiter): RateLimiter {
  if (!('limiter' in engine)) return createRateLimiter(engine)
  const { limiter } = engine
  if (typeof limiter?.consume !== 'function') throw new TypeError('limiter must be one that createRateLimiter has made')
  return limiter
}

const WARNING = { type: 'HoldfastWarning', code: 'HOLDFAST_RATE_LIMIT' }
