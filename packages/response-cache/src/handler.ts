import { isAdapterError } from '@holdfast/adapter'
import type { Handler, Next } from '@holdfast/http'
import { type Asked, createAsking } from './asked.ts'
import { cacheStatus, type Handling } from './cache-status.ts'
import { createChange } from './change.ts'
import { announce, announceFailure } from './events.ts'
import { createFlight } from './flight.ts'
import { createHits, PLAIN_HIT } from './hits.ts'
import { createMarked, createTrials } from './marked.ts'
import { type ResponseCacheMiddlewareOptions, settingsOf } from './middleware-options.ts'
import type { Production, Purpose } from './order.ts'
import { createOrders, type Surroundings } from './orders.ts'
import { forwardOf, purposeOf, waitsFor } from './purpose.ts'
import { createRefresh } from './refresh.ts'
import { rememberMade } from './seen.ts'
import { createShelf, type Found } from './shelf.ts'
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
  const { adapter, name, newBudget } = engine
  const { enabled, mode, maxBytes, maxVariants, cacheStatus: cacheName, methods, skip, bypass, failure } = settings
  const isRfc = mode === 'rfc'
  const shelf = createShelf(engine, createVariants({ now: adapter.now, maxVariants, anyOrder: isRfc }))
  const flight = createFlight(engine, shelf)
  const marked = createMarked(engine, shelf)
  const isTried = createTrials(isRfc)
  const orders = createOrders(settings, surroundings, adapter.now)
  const askedBy = createAsking(engine, settings, surroundings.inputs)
  const refresh = createRefresh(engine, flight, make)
  const hits = createHits(engine, settings, shelf)
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

  /** Passes a request on that has no part in the cache. */
  function pass({ exchange, next, base }: Asked<Native>, handling: Handling): Next {
    announce(name, base, handling)
    if (cacheName !== false) exchange.setHeader('Cache-Status', cacheStatus(cacheName, handling))
    return next
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

  async function withoutAdapter(asked: Asked<Native>): Promise<void | Next> {
    if (failure === 'open') return pass(asked, { fwd: 'bypass', detail: 'adapter' })
    asked.exchange.respond({ status: 503, headers: { 'Retry-After': '1' }, body: 'The cache is not available' })
  }

  async function answer(asked: Asked<Native>): Promise<void | Next> {
    const { exchange, control } = asked
    for (let round = 0; round < MOST_ROUNDS; round += 1) {
      const found = await look(asked)
      if ('error' in found) return withoutAdapter(asked)
      const candidate = hits.candidateIn(found, asked)
      const isStale = candidate?.reuse.state === 'stale'
      const inFront = isStale ? orders.inFront(asked) : {}
      if (hits.byFound(asked, candidate, { collapsed: round > 0 })) {
        if (isStale) exchange.onClose(() => refresh(asked, { ...found, budget: newBudget() }, candidate.response, inFront))
        return
      }
      if (control.has('only-if-cached')) return exchange.respond({ status: 504, body: 'Nothing is stored for this request' })
      const purpose = purposeOf(asked, found, candidate)
      if (exchange.headers.range !== undefined && purpose.asSent && !isRfc)
        return pass(asked, { fwd: purpose.fwd, detail: 'partial' }) // a part is not stored
      if (purpose.isMarked && !isTried(exchange.headers)) return pass(asked, { fwd: purpose.fwd, detail: 'hit-for-miss' })
      if (purpose.isMarked) return marked({ found, headers: exchange.headers, produce: () => run(asked, purpose) })
      const landed = await flight({
        found,
        headers: exchange.headers,
        waits: waitsFor(candidate),
        produce: () => run(asked, purpose),
      })
      if (landed.by === 'own') return landed.done
      if (landed.by === 'look') continue
      const isAnswered = landed.by === 'other' && hits.ifFresh(asked, landed.stored, { fwd: purpose.fwd, collapsed: true })
      return isAnswered ? undefined : run(asked, purpose).done
    }
    return run(asked, { fwd: 'uri-miss' }).done
  }

  return async function responseCache(exchange, next) {
    const { native, method, headers } = exchange
    if (!enabled || (skip !== undefined && (await skip(native)))) return next
    const isSafe = SAFE.has(method)
    if (isSafe && (!isOneOf(methods, method) || PRECONDITIONS.some((field) => headers[field] !== undefined))) return next
    const asked = askedBy(exchange, next, isSafe && bypass !== undefined && (await bypass(native)))
    if (asked === undefined) return next
    if (!isSafe) return change(asked)
    if (exchange.hasContent) return pass(asked, { fwd: 'bypass' }) // no key says what is in it
    if (asked.control.has('no-store')) return pass(asked, { fwd: 'request', detail: 'request-no-store' })
    if (hits.byCopy(asked)) return
    return method === 'HEAD' ? head(asked) : answer(asked)
  }

  /** A HEAD is answered by what a GET has stored; nothing is made for it alone that could be stored. */
  async function head(asked: Asked<Native>): Promise<void | Next> {
    const found = await look(asked)
    if ('error' in found) return withoutAdapter(asked)
    const candidate = hits.candidateIn(found, asked)
    if (hits.byFound(asked, candidate, PLAIN_HIT)) return
    return pass(asked, { fwd: forwardOf(found, candidate) })
  }
}

function isOneOf(methods: readonly string[], method: string): boolean {
  return methods.includes(method)
}
