import { isAdapterError, subjectKey } from '@holdfast/adapter'
import type { Captured, Exchange, Handler, HttpResponse } from '@holdfast/http'
import { framed, lastingHeaders, replayOf, unframed } from './answer.ts'
import { announce, announceFailure } from './events.ts'
import { type Fingerprint, fingerprintOf, ownFingerprint, type RequestRules } from './fingerprint.ts'
import { keyOf } from './key.ts'
import { NO_BYTES } from './operations/record.ts'
import { refusals } from './problems.ts'
import { checkedRequestOptions, type IdempotencyMiddlewareOptions } from './request-options.ts'
import { type Begun, type Committed, createRuns, type Run } from './runs.ts'
import { isHeld, remember, rememberUnprotected } from './seen.ts'

/** Runs a request once for a key, and gives its response to those that are sent again. */
export function createHandler<Native extends object>(
  options: IdempotencyMiddlewareOptions<Native>,
  rules: RequestRules<Native>,
): Handler<Native> {
  const settings = checkedRequestOptions(options)
  const { name, scope, methods, required, store, maxBytes, failure } = settings
  const runs = createRuns(settings)
  const refuse = refusals(settings.header, settings.docs)

  /** Under what a key is kept: no two users, routes or methods share one. */
  async function subjectOf({ native, method, url }: Exchange<Native>, key: string): Promise<string> {
    const owner = scope === 'public' ? null : await scope(native)
    if (owner !== null && (typeof owner !== 'string' || owner === '')) {
      throw new TypeError(`scope must return a string that is not empty, got ${JSON.stringify(owner) ?? String(owner)}`)
    }
    return subjectKey('idempotency', name, JSON.stringify([owner, method, pathOf(url), key]))
  }

  async function fingerprintIn({ native, url }: Exchange<Native>): Promise<Fingerprint> {
    const { fingerprint, maxBodyBytes } = settings
    if (fingerprint !== undefined) return { state: 'known', fingerprint: ownFingerprint(await fingerprint(native)) }
    return fingerprintOf(native, queryOf(url), rules, maxBodyBytes)
  }

  function unreadable(state: Exclude<Fingerprint['state'], 'known' | 'aborted'>): HttpResponse {
    return refuse(state === 'too-large' ? 'payload-too-large' : state)
  }

  /** What a client gets in place of a response of its own. */
  function answerTo(key: string, known: Exclude<Begun | Committed, { state: 'begun' | 'committed' | 'lost' | 'failed' }>) {
    if (known.state === 'in-progress') {
      announce(name, key, 'in-progress')
      return refuse('in-progress', { retryAfterMs: known.retryInMs })
    }
    if (known.state === 'mismatch') {
      announce(name, key, 'mismatch')
      return refuse('mismatch')
    }
    const outcome = known.outcome === 'answer' ? 'replay' : known.outcome
    announce(name, key, outcome)
    return outcome === 'replay' ? replayed(key, known.bytes) : refuse(outcome)
  }

  function replayed(key: string, bytes: Uint8Array): HttpResponse {
    try {
      return replayOf(unframed(bytes))
    } catch (error) {
      announceFailure({ name, key, call: 'decode', error })
      return refuse('unreplayable')
    }
  }

  async function withoutAdapter(exchange: Exchange<Native>, next: () => Promise<void>, key: string, error: Error): Promise<void> {
    announceFailure({ name, key, call: 'begin', error })
    announce(name, key, failure)
    if (failure === 'closed') return exchange.respond(refuse('unavailable', { retryAfterMs: retryAfterMsOf(error) }))
    rememberUnprotected(exchange.native, key)
    return next()
  }

  /** Keeps the response, before its client gets it; or gives the client the one that stands. */
  async function keep(exchange: Exchange<Native>, key: string, run: Run, captured: Captured): Promise<void> {
    if (captured.outcome === 'too-large') return // it is marked, and on its way
    const committed = await commit(run, captured)
    if (committed.state === 'ended' || committed.state === 'in-progress') exchange.respond(answerTo(key, committed))
  }

  async function commit(run: Run, captured: Exclude<Captured, { outcome: 'too-large' }>): Promise<Committed> {
    if (captured.outcome !== 'complete') return run.commit('unreplayable', NO_BYTES)
    const { status, rawHeaders, body } = captured
    if (!store(status)) {
      await run.cancel()
      return { state: 'lost' }
    }
    return run.commit('answer', framed({ status, rawHeaders: lastingHeaders(rawHeaders, settings.replayCookies), body }))
  }

  async function runOnce(exchange: Exchange<Native>, next: () => Promise<void>, key: string, subject: string, run: Run) {
    let isCancelled = false
    const { attempt, fence } = run
    const request = {
      key,
      attempt,
      fence,
      get signal() {
        return run.signal
      },
      cancel() {
        isCancelled = true
        return run.cancel()
      },
    }
    remember(exchange.native, subject, request)
    exchange.onClose(run.abandon)
    async function onTooLarge(): Promise<void> {
      if (!isCancelled) await run.commit('too-large', NO_BYTES)
    }
    let captured: Captured
    try {
      captured = await exchange.hold(next, { maxBytes, onTooLarge })
    } catch (error) {
      await run.cancel()
      throw error
    }
    if (isCancelled) return
    try {
      await keep(exchange, key, run, captured)
    } catch (error) {
      await run.commit('unreplayable', NO_BYTES) // it was done: whatever is wrong here, it is not done again
      throw error
    }
  }

  return async function idempotency(exchange, next) {
    const { native, method } = exchange
    const given = methods.has(method) ? keyOf(rules.request(native), settings.key) : undefined
    if (given === undefined || (given.state === 'missing' && !required)) {
      rememberUnprotected(native)
      return next()
    }
    if (given.state === 'missing') return exchange.respond(refuse('missing'))
    if (given.state === 'invalid') return exchange.respond(refuse('invalid', { detail: `{key}: ${given.why}.` }))
    const { key } = given
    const subject = await subjectOf(exchange, key)
    if (isHeld(native, subject)) return next()
    const payload = await fingerprintIn(exchange)
    if (payload.state === 'aborted') return
    if (payload.state !== 'known') return exchange.respond(unreadable(payload.state))
    const left = new AbortController()
    if (settings.waitMs > 0) exchange.onClose(() => left.abort())
    let begun: Begun
    try {
      begun = await runs.begin({ subject, key, fingerprint: payload.fingerprint }, left.signal)
    } catch (error) {
      if (!isAdapterError(error)) throw error
      return withoutAdapter(exchange, next, key, error)
    }
    if (begun.state !== 'begun') return exchange.respond(answerTo(key, begun))
    announce(name, key, 'run')
    return runOnce(exchange, next, key, subject, begun.run)
  }
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
