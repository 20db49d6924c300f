import { isAdapterError } from '@holdfast/adapter'
import type { Exchange, Handler } from '@holdfast/http'
import { isHeldFor, remember } from './held.ts'
import { busy, unavailable } from './refusal.ts'
import { checkedRequestKey, checkedSerializeOptions, type SerializeOptions } from './serialize-options.ts'
import { createTake, type Taken } from './take.ts'

/** Lets one request per key at a time through to the later handlers. */
export function createHandler<Native extends object>(options: SerializeOptions<Native>): Handler<Native> {
  const { key, skip, waitMs, retryAfterMs, failure, locks } = checkedSerializeOptions(options)
  const { adapter, name = 'default' } = locks
  const take = createTake(locks)

  async function takeFor(exchange: Exchange<Native>, subject: string): Promise<Taken | NotTaken> {
    const leaving = new AbortController()
    exchange.onClose(() => leaving.abort())
    try {
      return await take(subject, { waitMs, signal: leaving.signal })
    } catch (error) {
      if (leaving.signal.aborted) return { state: 'gone' }
      if (isAdapterError(error)) return { state: 'failed' }
      throw error
    }
  }

  return async function serialize(exchange, next) {
    const { native } = exchange
    if (skip !== undefined && (await skip(native))) return next
    const subject = checkedRequestKey(await key(native))
    if (isHeldFor(native, adapter, name, subject)) return next
    const taken = await takeFor(exchange, subject)
    if (taken.state === 'busy') return exchange.respond(busy(retryAfterMs))
    if (taken.state === 'failed' && failure === 'open') return next
    if (taken.state === 'failed') return exchange.respond(unavailable(retryAfterMs))
    if (taken.state === 'gone') return
    const { lock, heartbeat } = taken
    try {
      remember(native, { adapter, name, lock })
      exchange.onClose(() => heartbeat.rest()) // who has nobody to answer any more has until the end of the lease
      await exchange.outlast(next)
    } finally {
      void lock.release()
    }
  }
}

type NotTaken = { readonly state: 'failed' } | { readonly state: 'gone' }
