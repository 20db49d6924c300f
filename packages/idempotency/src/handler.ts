import { isAdapterError, subjectKey } from '@holdfast/adapter'
import { shown } from '@holdfast/adapter/options'
import type { Exchange, Handler, HttpResponse, Next } from '@holdfast/http'
import { attempt } from './attempt.ts'
import { announce, announceFailure } from './events.ts'
import { emptyFingerprint, type Fingerprint, fingerprintOf, ownFingerprint, type RequestRules } from './fingerprint.ts'
import { keyOf } from './key.ts'
import { refusals } from './problems.ts'
import { checkedRequestOptions, type IdempotencyMiddlewareOptions } from './request-options.ts'
import { type Begun, createRuns } from './runs.ts'
import { isHeld, rememberUnprotected } from './seen.ts'
import { answerBy } from './standing.ts'

/** Runs a request once for a key, and gives its response to those that are sent again. */
export function createHandler<Native extends object>(
  options: IdempotencyMiddlewareOptions<Native>,
  rules: RequestRules<Native>,
): Handler<Native> {
  const settings = checkedRequestOptions(options)
  const { name, scope, skip, methods, required, store, maxBytes, replayCookies, failure } = settings
  const runs = createRuns(settings)
  const refuse = refusals(settings.header, settings.docs)
  const attempting = { name, refuse, maxBytes, store, replayCookies }

  /** Under what a key is kept: no two users, routes or methods share one. */
  async function subjectOf({ native, method, url }: Exchange<Native>, key: string): Promise<string> {
    const owner = scope === 'public' ? null : await scope(native)
    if (owner !== null && (typeof owner !== 'string' || owner === '')) {
      throw new TypeError(`scope must return a string that is not empty, got ${shown(owner)}`)
    }
    return subjectKey('idempotency', name, JSON.stringify([owner, method, pathOf(url), key]))
  }

  async function fingerprintIn({ native, url, hasContent }: Exchange<Native>): Promise<Fingerprint> {
    const { fingerprint, maxBodyBytes } = settings
    if (fingerprint !== undefined) return { state: 'known', fingerprint: ownFingerprint(await fingerprint(native)) }
    if (!hasContent) return emptyFingerprint(queryOf(url))
    return fingerprintOf(native, queryOf(url), rules, maxBodyBytes)
  }

  function unreadable(state: Exclude<Fingerprint['state'], 'known' | 'aborted'>): HttpResponse {
    return refuse(state === 'too-large' ? 'payload-too-large' : state)
  }

  async function withoutAdapter(exchange: Exchange<Native>, next: Next, key: string, error: Error): Promise<void | Next> {
    announceFailure({ name, key, call: 'begin', error })
    announce(name, key, failure)
    if (failure === 'closed') return exchange.respond(refuse('unavailable', { retryAfterMs: retryAfterMsOf(error) }))
    rememberUnprotected(exchange.native, key)
    return next
  }

  return async function idempotency(exchange, next) {
    const { native, method } = exchange
    const isMeant = methods.has(method) && (skip === undefined || !(await skip(native)))
    const given = isMeant ? keyOf(rules.request(native), settings.key) : undefined
    if (given === undefined || (given.state === 'missing' && !required)) {
      rememberUnprotected(native)
      return next
    }
    if (given.state === 'missing') return exchange.respond(refuse('missing'))
    if (given.state === 'invalid') return exchange.respond(refuse('invalid', { detail: `{key}: ${given.why}.` }))
    const { key } = given
    const subject = await subjectOf(exchange, key)
    if (isHeld(native, subject)) return next
    const payload = await fingerprintIn(exchange)
    if (payload.state === 'aborted') return
    if (payload.state !== 'known') return exchange.respond(unreadable(payload.state))
    const left = settings.waitMs > 0 ? leaving(exchange) : undefined
    let begun: Begun
    try {
      begun = await runs.begin({ subject, key, fingerprint: payload.fingerprint }, left)
    } catch (error) {
      if (!isAdapterError(error)) throw error
      return withoutAdapter(exchange, next, key, error)
    }
    if (begun.state !== 'begun') return answerBy(attempting, exchange, key, begun)
    announce(name, key, 'run')
    return attempt(attempting, { exchange, next, subject, key, run: begun.run })
  }
}

/** Aborted when the client leaves, or has its response. */
function leaving(exchange: Exchange<unknown>): AbortSignal {
  const controller = new AbortController()
  exchange.onClose(() => controller.abort())
  return controller.signal
}

function pathOf(url: string): string {
  const query = url.indexOf('?')
  return query === -1 ? url : url.slice(0, query)
}

function queryOf(url: string): string {
  return url.slice(pathOf(url).length)
}

/** How soon a client may ask again while nobody can decide, and the adapter does not say when it tries again. */
const NEXT_PROBE_MS = 1_000

function retryAfterMsOf(error: Error): number {
  return 'retryAfterMs' in error && typeof error.retryAfterMs === 'number' ? error.retryAfterMs : NEXT_PROBE_MS
}
