import type { CompleteResponse } from '@holdfast/http'
import type { Asked } from './asked.ts'
import { createAssessment } from './assess.ts'
import type { Engine } from './engine.ts'
import type { Flight } from './flight.ts'
import { createInvalidation, sameOrigin } from './invalidation.ts'
import type { Orders } from './orders.ts'
import { fieldsOf, joined } from './rfc/fields.ts'
import { controlOf, explicitLifetime } from './rfc/freshness.ts'
import type { Found, Shelf } from './shelf.ts'

interface Parts<Native> {
  readonly shelf: Shelf
  readonly flight: Flight
  readonly orders: Orders<Native>
  /** How much of a POST's answer may be stored; undefined where none is. */
  readonly maxBytes: number | undefined
  look(asked: Asked<Native>): Promise<Found | { readonly error: unknown }>
}

/**
 * Passes on requests that may change what is stored. In mode `rfc` the answer to a POST is stored where it says that a GET would give
 * the same: RFC 9110, section 9.3.3.
 */
export function createChange<Native>(
  engine: Engine,
  { shelf, flight, orders, maxBytes, look }: Parts<Native>,
): (asked: Asked<Native>) => Promise<void> {
  const invalidate = createInvalidation(engine, shelf)
  const { now } = engine.adapter

  return async function change(asked) {
    const { exchange, next, base } = asked
    if (maxBytes === undefined || exchange.method !== 'POST') return invalidate({ exchange, next, base, maxBytes: 0 })
    const headers = { ...exchange.headers } // as they were sent: handlers may change them
    const found = await look(asked)
    const assessment = createAssessment(orders.orderOf(asked, { fwd: 'method' }), now())
    return invalidate({ exchange, next, base, maxBytes, after })

    async function after({ status, rawHeaders, body }: CompleteResponse): Promise<void> {
      const made = { status, rawHeaders, respondedAt: now() }
      if ('error' in found || !isWhatGetGives(asked, made)) return
      const stored = assessment.stored(made, body, assessment.judge(made))
      if (stored === undefined) return
      const product = Promise.resolve({ stored, names: assessment.namesIn(rawHeaders), tags: [], refusal: undefined })
      await flight({
        found: { ...found, looked: { ...found.looked, seen: '' } }, // it was dropped just now
        headers,
        waits: false,
        produce: () => ({ product, done: Promise.resolve() }),
      })
    }
  }

  function isWhatGetGives(
    { exchange: { host, url }, base }: Asked<Native>,
    { status, rawHeaders, respondedAt }: { status: number; rawHeaders: readonly string[]; respondedAt: number },
  ): boolean {
    const fields = fieldsOf(rawHeaders)
    const paths = sameOrigin(host, url, joined(fields, 'content-location'))
    const isOfUrl = paths.some((path) => engine.keyOf(host, path) === base)
    return status === 200 && isOfUrl && explicitLifetime(fields, controlOf(fields), respondedAt) !== undefined
  }
}
