import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http'
import { isAdapterError } from '@holdfast/adapter'
import { detached } from '@holdfast/cache/engine'
import type { Handler } from '@holdfast/http'
import { answerOf } from './answer.ts'
import { type Asked, createAsking } from './asked.ts'
import { cacheStatus, type Forward, type Handling } from './cache-status.ts'
import { createChange } from './change.ts'
import { announce, announceFailure } from './events.ts'
import { createFlight } from './flight.ts'
import { createMarked, createTrials } from './marked.ts'
import { type ResponseCacheMiddlewareOptions, settingsOf } from './middleware-options.ts'
import type { Production, Purpose } from './order.ts'
import { createOrders, type Surroundings } from './orders.ts'
import { conditionsOf } from './rfc/conditional.ts'
import { fieldsOf } from './rfc/fields.ts'
import { contentRange } from './rfc/range.ts'
import { type Reuse, reuseOf } from './rfc/reuse.ts'
import { rememberMade } from './seen.ts'
import { createShelf, type Found } from './shelf.ts'
import type { StoredResponse } from './stored.ts'
import { createVariants } from './variants.ts'

/** How often a request looks again, when what it found has changed meanwhile. */
const MOST_ROUNDS = 4
const SAFE = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE'])
/** Conditions that only the origin can answer: RFC 9110, sections 13.1.1 and 13.1.4. */
const PRECONDITIONS = ['if-match', 'if-unmodified-since'] as const

/**
 * Answers from what is stored, and stores what is answered.
 *
 * @throws {TypeError | RangeError} when an option is missing, unknown or out of range
 */
export function createHandler<Native extends object, Target>(
  options: ResponseCacheMiddlewareOptions<Native, Target>,
  surroundings: Surroundings<Native, Target>,
): Handler<Native> {
  const { engine, settings } = settingsOf(options)
  const { adapter, name, newBudget, loadLeaseMs } = engine
  const { enabled, mode, maxBytes, maxVariants, cacheStatus: cacheName, methods, skip, bypass, failure } = settings
  const { now } = adapter
  const isRfc = mode === 'rfc'
  const shelf = createShelf(engine, createVariants({ now, maxVariants, anyOrder: isRfc }))
  const flight = createFlight(engine, shelf)
  const marked = createMarked(engine, shelf)
  const isTried = createTrials(isRfc)
  const orders = createOrders(settings, surroundings, now)
  const askedBy = createAsking(engine, settings, surroundings.inputs)
  const refreshing = new Set<string>()
  const change = createChange(engine, { shelf, flight, orders, maxBytes: isRfc ? maxBytes : undefined, look })

  async function look({ base, exchange }: Asked<Native>): Promise<Found | { readonly error: unknown }> {
    try {
      return await shelf.look(base, exchange.headers, newBudget())
    } catch (error) {
      if (!isAdapterError(error)) throw error
      announceFailure({ name, key: base, call: 'adapter', error })
      return { error }
    }
  }

  /** Sends a stored response. False when it has not the part that is wanted. */
  function send({ exchange, base }: Asked<Native>, stored: StoredResponse, { ageMs, ttlMs }: Reuse, how: Hit): boolean {
    const { method, headers } = exchange
    const { fwd, collapsed } = how
    const handling = fwd === undefined ? { hit: true, collapsed, ttlMs } : { fwd, collapsed, ttlMs }
    const answer = answerOf(stored, { method, conditions: conditionsOf(headers), ageMs, handling, cacheName })
    if (answer === undefined) return false
    announce(name, base, handling)
    exchange.respond(answer)
    return true
  }

  /** Passes a request on that has no part in the cache. */
  function pass({ exchange, next, base }: Asked<Native>, handling: Handling): Promise<void> {
    announce(name, base, handling)
    if (cacheName !== false) exchange.setHeader('Cache-Status', cacheStatus(cacheName, handling))
    return next()
  }

  function run(asked: Asked<Native>, purpose: Purpose): Production {
    const { fwd, isMarked } = purpose
    announce(name, asked.base, isMarked ? { fwd, detail: 'hit-for-miss' } : { fwd })
    return make(asked, purpose)
  }

  function make(asked: Asked<Native>, purpose: Purpose): Production {
    rememberMade(asked.exchange.native, engine, asked.base)
    return orders.run(asked, purpose)
  }

  async function withoutAdapter(asked: Asked<Native>): Promise<void> {
    if (failure === 'open') return pass(asked, { fwd: 'bypass', detail: 'adapter' })
    asked.exchange.respond({ status: 503, headers: { 'Retry-After': '1' }, body: 'The cache is not available' })
  }

  /** Has a response that was served stale made anew: once, over all processes. */
  function refresh(asked: Asked<Native>, found: Found, stale: StoredResponse, inFront: OutgoingHttpHeaders): void {
    if (refreshing.has(found.key)) return
    refreshing.add(found.key)
    const over = (): boolean => refreshing.delete(found.key)
    const timer = setTimeout(over, loadLeaseMs).unref() // a handler may never end
    const purpose = { fwd: 'stale', stale, ifError: stale.status < 500, inBackground: true, inFront } as const
    detached(() => flight({ found, headers: asked.exchange.headers, waits: false, produce: () => make(asked, purpose) }))
      .then((landed) => (landed.by === 'own' ? landed.done : undefined))
      .catch((error: unknown) => announceFailure({ name, key: asked.base, call: 'refresh', error }))
      .finally(() => {
        clearTimeout(timer)
        over()
      })
  }

  /** Answers by a copy in this process, without asking the adapter. */
  function answeredNear(asked: Asked<Native>): boolean {
    if (asked.refreshes) return false
    const copy = shelf.near(asked.base, asked.exchange.headers)
    const reuse = copy && reuseOf(copy, now(), asked.control)
    return copy !== undefined && reuse?.state === 'fresh' && send(asked, copy, reuse, PLAIN_HIT)
  }

  async function answer(asked: Asked<Native>): Promise<void> {
    const { exchange, control, refreshes } = asked
    for (let round = 0; round < MOST_ROUNDS; round += 1) {
      const found = await look(asked)
      if ('error' in found) return withoutAdapter(asked)
      const { stored } = found
      const response = stored?.kind === 'response' ? stored : undefined
      const reuse = response && reuseOf(response, now(), control)
      const isServed = response !== undefined && reuse !== undefined && reuse.state !== 'validate' && !refreshes
      const inFront = reuse?.state === 'stale' ? orders.inFront(asked) : {}
      if (isServed && send(asked, response, reuse, { collapsed: round > 0 })) {
        if (reuse.state === 'stale') exchange.onClose(() => refresh(asked, { ...found, budget: newBudget() }, response, inFront))
        return
      }
      if (control.has('only-if-cached')) return exchange.respond({ status: 504, body: 'Nothing is stored for this request' })
      const purpose = purposeOf(asked, found, response, reuse)
      if (exchange.headers.range !== undefined && purpose.asSent && !isRfc)
        return pass(asked, { fwd: purpose.fwd, detail: 'partial' }) // a part is not stored
      if (purpose.isMarked && !isTried(exchange.headers)) return pass(asked, { fwd: purpose.fwd, detail: 'hit-for-miss' })
      if (purpose.isMarked) return marked({ found, headers: exchange.headers, produce: () => run(asked, purpose) })
      const landed = await flight({
        found,
        headers: exchange.headers,
        waits: reuse?.state !== 'validate' || (reuse.because === 'stale' && response?.alwaysValidate !== true),
        produce: () => run(asked, purpose),
      })
      if (landed.by === 'own') return landed.done
      if (landed.by === 'look') continue
      if (landed.by === 'other') {
        const current = reuseOf(landed.stored, now(), control)
        const how = { fwd: purpose.fwd, collapsed: true } as const
        if (current.state === 'fresh' && send(asked, landed.stored, current, how)) return
      }
      return run(asked, purpose).done
    }
    return run(asked, { fwd: 'uri-miss' }).done
  }

  return async function responseCache(exchange, next) {
    const { native, method, headers } = exchange
    if (!enabled || (skip !== undefined && (await skip(native)))) return next()
    const isSafe = SAFE.has(method)
    if (isSafe && (!isOneOf(methods, method) || PRECONDITIONS.some((field) => headers[field] !== undefined))) return next()
    const asked = askedBy(exchange, next, isSafe && bypass !== undefined && (await bypass(native)))
    if (asked === undefined) return next()
    if (!isSafe) return change(asked)
    if (hasContent(headers)) return pass(asked, { fwd: 'bypass' }) // no key says what is in it
    if (asked.control.has('no-store')) return pass(asked, { fwd: 'request', detail: 'request-no-store' })
    if (answeredNear(asked)) return
    return method === 'HEAD' ? head(asked) : answer(asked)
  }

  /** A HEAD is answered by what a GET has stored; nothing is made for it alone that could be stored. */
  async function head(asked: Asked<Native>): Promise<void> {
    const found = await look(asked)
    if ('error' in found) return withoutAdapter(asked)
    const response = found.stored?.kind === 'response' ? found.stored : undefined
    const reuse = response && reuseOf(response, now(), asked.control)
    const isServed = response !== undefined && reuse !== undefined && reuse.state !== 'validate' && !asked.refreshes
    if (isServed && send(asked, response, reuse, PLAIN_HIT)) return
    return pass(asked, { fwd: forwardOf(found, reuse) })
  }
}

/** How a stored response comes to be served: `fwd` when it was made for another request meanwhile. */
interface Hit {
  readonly fwd?: Forward
  readonly collapsed: boolean
}

const PLAIN_HIT: Hit = { collapsed: false }

function isOneOf(methods: readonly string[], method: string): boolean {
  return methods.includes(method)
}

function hasContent({ 'content-length': length = '0', 'transfer-encoding': coding }: IncomingHttpHeaders): boolean {
  return coding !== undefined || Number(length) !== 0
}

/** What the handlers are to do about what is stored. */
function purposeOf(
  { exchange, refreshes }: Asked<unknown>,
  found: Found,
  response: StoredResponse | undefined,
  reuse: Reuse | undefined,
): Purpose {
  const fwd = refreshes ? 'bypass' : forwardOf(found, reuse)
  if (found.stored?.kind === 'pass' && !refreshes) return { fwd, isMarked: true, asSent: true } // mostly it is one client's own again
  const asSent = exchange.headers.range !== undefined
  if (response === undefined || reuse === undefined || refreshes || asSent) return { fwd, asSent }
  if (response.status === 206) {
    const begins = contentRange(fieldsOf(response.rawHeaders))?.first === 0 && reuse.state === 'fresh'
    return begins ? { fwd: 'partial', part: response } : { fwd: 'partial' }
  }
  const ifError = response.status < 500 && (reuse.state !== 'validate' || reuse.ifError)
  return { fwd, stale: response, ifError }
}

function forwardOf({ index }: Found, reuse: Reuse | undefined): Forward {
  if (reuse === undefined) return index === undefined ? 'uri-miss' : 'vary-miss'
  return reuse.state === 'validate' ? reuse.because : 'stale'
}
