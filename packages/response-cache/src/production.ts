import { collectingTags } from '@holdfast/cache/engine'
import type { Captured, CaptureMode, CompleteResponse, ResponseHead } from '@holdfast/http'
import { createAdditions } from './additions.ts'
import { answerOf } from './answer.ts'
import { createAssessment, type Made, refusalIn } from './assess.ts'
import { cacheStatus, type Handling } from './cache-status.ts'
import { isFailure, throwsFailure } from './failures.ts'
import type { Order, Product, Production } from './order.ts'
import { ownHeaders, without } from './own-headers.ts'
import type { Verdict } from './policy.ts'
import { askForRest, askWhether, takeConditions } from './request-conditions.ts'
import { initialAge } from './rfc/age.ts'
import { isNotModified, notModifiedHeaders } from './rfc/conditional.ts'
import { fieldsOf } from './rfc/fields.ts'
import { merged } from './rfc/headers.ts'
import { contentRange } from './rfc/range.ts'
import type { Refusal } from './rfc/storable.ts'
import type { StoredResponse } from './stored.ts'

type Plan = 'as-it-is' | 'validated' | 'failed' | 'completed' | 'not-modified'

/** Runs the handlers, sends what they answer as they write it, and keeps what can be stored. */
export function produce(order: Order): Production {
  const { exchange, next, fwd, stale, part, maxBytes, cacheName, inBackground = false } = order
  const { conditions, putBack } = takeConditions(exchange.headers)
  if (order.asSent) putBack()
  if (stale !== undefined) askWhether(exchange.headers, stale)
  if (part !== undefined) askForRest(exchange.headers, part)
  const before = order.inFront ?? { ...order.response.getHeaders() }
  const requestedAt = order.now()
  const assessment = createAssessment(order, requestedAt, before)
  const tags = new Set<string>()
  const additions = createAdditions(order, assessment, tags)
  let plan: Plan = 'as-it-is'
  let respondedAt = requestedAt
  let verdict: Verdict = { refusal: 'cut' }
  let settle: (product: Product) => void = () => {}
  let fail: (error: unknown) => void = () => {}
  const product = new Promise<Product>((resolve, reject) => {
    settle = resolve
    fail = reject
  })
  product.catch(() => {}) // whoever runs the handlers gets their error by `done`

  function finish(stored: StoredResponse | undefined, names: readonly string[], refusal: Refusal = 'cut'): void {
    settle({ stored, names, tags: [...tags], refusal: stored === undefined ? refusal : undefined })
  }

  function onHead(head: ResponseHead): CaptureMode {
    putBack()
    respondedAt = order.now()
    plan = planFor(head.status)
    if (plan !== 'failed') additions.gather(head, plan === 'as-it-is' ? [] : (order.storedTags ?? []))
    if (plan !== 'as-it-is') return 'hold'
    const made = { status: head.status, rawHeaders: ownHeaders(head.rawHeaders, before), respondedAt }
    verdict = isTooLong(head) ? { refusal: 'too-large' } : assessment.judge(made)
    const refusal = refusalIn(verdict)
    for (const [name, value] of additions.fields(head.rawHeaders)) head.setHeader(name, value)
    const detail = order.isMarked ? 'hit-for-miss' : refusal
    // The last one may have been too large: only where the length is said this one surely is not.
    const isStored = refusal === undefined && (!order.isMarked || head.getHeader('content-length') !== undefined)
    tell(head, { ...(stale && { fwdStatus: head.status }), ...(isStored && { stored: true }), ...(detail && { detail }) })
    if (refusal !== undefined) finish(undefined, [], refusal)
    const fields = fieldsOf(without(head.rawHeaders, ['date'])) // only of what was stored does its Date say when it was changed last
    if (!order.asSent && !inBackground && isNotModified(conditions, head.status, fields)) {
      plan = 'not-modified'
      return 'hold'
    }
    return refusal === undefined ? 'tee' : 'pass'
  }

  function isTooLong(head: ResponseHead): boolean {
    return Number(head.getHeader('content-length') ?? 0) > maxBytes
  }

  function planFor(status: number): Plan {
    if (stale !== undefined && status === 304) return 'validated'
    if (stale !== undefined && order.ifError && isFailure(status)) return 'failed'
    return part !== undefined && status === 206 ? 'completed' : 'as-it-is'
  }

  /** Says what this cache did, after those that are nearer to the origin: RFC 9211, section 2. */
  function tell(head: ResponseHead, handling: Handling): void {
    if (cacheName === false) return
    const own = cacheStatus(cacheName, { fwd, ...handling })
    const others = head.getHeader('cache-status')
    head.setHeader('Cache-Status', others === undefined ? own : `${others}, ${own}`)
  }

  function serve(stored: StoredResponse, handling: Handling, ageMs: number): void {
    if (inBackground) return
    const { method } = exchange
    const answer = answerOf(stored, { method, conditions, ageMs, handling: { fwd, ...handling }, cacheName })
    if (answer !== undefined) exchange.respond(answer)
  }

  function conclude(captured: Captured): void {
    if (captured.outcome !== 'complete') {
      return finish(undefined, [], captured.outcome === 'too-large' ? 'too-large' : 'cut')
    }
    const made = { status: captured.status, rawHeaders: ownHeaders(captured.rawHeaders, before), respondedAt }
    switch (plan) {
      case 'validated':
        return stale && confirmed(stale, made)
      case 'failed':
        return stale && serveStale(stale, made.status)
      case 'completed':
        return part && completed(part, made, captured)
      case 'not-modified':
        keep(made, captured) // before what is held is dropped
        return exchange.respond({ status: 304, rawHeaders: notModifiedHeaders(captured.head.rawHeaders) })
      case 'as-it-is':
        return keep(made, captured)
    }
  }

  /** What handlers read of the request after its head is out counts as well. */
  function keep(made: Made, { body }: CompleteResponse): void {
    const names = assessment.namesIn(made.rawHeaders)
    const late = 'times' in verdict ? refusalIn(assessment.judge(made)) : verdict.refusal
    finish(late === undefined ? assessment.stored(additions.to(made), body, verdict) : undefined, names, late)
  }

  /** A stored response, brought up to date by what has confirmed it: RFC 9111, sections 4.3.4 and 3.4. */
  function confirmed(old: StoredResponse, by: Made, whole?: Uint8Array): void {
    const headers = merged(old.rawHeaders, by.rawHeaders)
    const made = {
      status: whole === undefined ? old.status : 200,
      rawHeaders: whole === undefined ? headers : without(headers, ['content-range', 'content-length']),
      respondedAt,
    }
    const body = whole ?? old.body
    const judged = assessment.judge(made)
    const ageMs = initialAge(fieldsOf(made.rawHeaders), { requestedAt, respondedAt })
    const times = { ...old, respondedAt, ageMs }
    const current = assessment.stored(additions.to(made), body, 'times' in judged ? judged : { times, fields: new Map() })
    if (current === undefined) return finish(undefined, [])
    const isKept = 'times' in judged
    serve(current, { fwdStatus: by.status, ...(isKept && { stored: true }) }, ageMs)
    finish(isKept ? current : undefined, assessment.namesIn(made.rawHeaders), refusalIn(judged))
  }

  function completed(beginning: StoredResponse, made: Made, { body: rest }: CompleteResponse): void {
    const range = contentRange(fieldsOf(made.rawHeaders))
    const fits = range?.first === beginning.body.length && range.total === range.first + rest.length
    if (fits) return confirmed(beginning, made, Buffer.concat([beginning.body, rest]))
    finish(undefined, []) // a part of something else: the client gets it as it is
  }

  function serveStale(old: StoredResponse, status?: number): void {
    const ageMs = old.ageMs + Math.max(0, order.now() - old.respondedAt)
    serve(old, { ...(status !== undefined && { fwdStatus: status }), detail: 'stale-if-error' }, ageMs)
    finish(undefined, [])
  }

  async function run(): Promise<void> {
    try {
      const onDropped = (): void => finish(undefined, [], 'too-large')
      const capture = { maxBytes, onHead, onDropped, onWhole: order.handled }
      conclude(await collectingTags(tags, () => (inBackground ? exchange.again(next, capture) : exchange.tee(next, capture))))
    } catch (error) {
      putBack()
      const isUnanswered = inBackground || exchange.status === undefined
      if (isUnanswered && !throwsFailure(error)) finish(undefined, [], 'no-freshness')
      else if (stale !== undefined && order.ifError && !inBackground && isUnanswered) return serveStale(stale)
      fail(error)
      throw error
    }
  }

  return { product, done: run() }
}
