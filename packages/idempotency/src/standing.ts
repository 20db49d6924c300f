import type { Exchange } from '@holdfast/http'
import { replayOf, unframed } from './answer.ts'
import { announce, announceFailure } from './events.ts'
import type { Refuse } from './problems.ts'
import type { Begun, Committed } from './runs.ts'
import { decodedError } from './thrown.ts'

/** What stands in the way of a request: another is going on, has ended, or was for something else. */
export type Known = Extract<Begun | Committed, { state: 'in-progress' | 'ended' | 'mismatch' }>

export interface Standing {
  readonly name: string
  readonly refuse: Refuse
}

/**
 * Answers a request by what stands: the response that was kept, or a refusal.
 *
 * @throws the error that was kept, for the middlewares in front to answer as they did the first
 */
export function answerBy({ name, refuse }: Standing, exchange: Exchange<unknown>, key: string, known: Known): void {
  if (known.state === 'in-progress') {
    announce(name, key, 'in-progress')
    return exchange.respond(refuse('in-progress', { retryAfterMs: known.retryInMs }))
  }
  if (known.state === 'mismatch') {
    announce(name, key, 'mismatch')
    return exchange.respond(refuse('mismatch'))
  }
  const { outcome, bytes } = known
  if (outcome === 'too-large' || outcome === 'unreplayable') {
    announce(name, key, outcome)
    return exchange.respond(refuse(outcome))
  }
  const kept = decoded(() => (outcome === 'answer' ? { answer: replayOf(unframed(bytes)) } : { error: decodedError(bytes) }))
  if ('failure' in kept) {
    announceFailure({ name, key, call: 'decode', error: kept.failure })
    return exchange.respond(refuse('unreplayable'))
  }
  announce(name, key, 'replay')
  if ('answer' in kept) return exchange.respond(kept.answer)
  exchange.setHeader('Idempotent-Replayed', 'true')
  throw kept.error
}

function decoded<Kept>(decode: () => Kept): Kept | { readonly failure: unknown } {
  try {
    return decode()
  } catch (failure) {
    return { failure }
  }
}
