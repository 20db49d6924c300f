import { answerOf } from './answer.ts'
import type { Asked } from './asked.ts'
import type { Forward } from './cache-status.ts'
import type { Engine } from './engine.ts'
import { announce } from './events.ts'
import type { Settings } from './options.ts'
import { type Reuse, reuseOf } from './rfc/reuse.ts'
import type { Found, Shelf } from './shelf.ts'
import type { StoredResponse } from './stored.ts'

/** How a stored response comes to be served: `fwd` when it was made for another request meanwhile. */
export interface Hit {
  readonly fwd?: Forward
  readonly collapsed: boolean
}

/** What is stored for a request, and what may be done with it. */
export interface Candidate {
  readonly response: StoredResponse
  readonly reuse: Reuse
}

/** Answers by what is stored. */
export interface Hits<Native> {
  /** By a copy in this process, without asking the adapter. */
  byCopy(asked: Asked<Native>): boolean
  candidateIn(found: Found, asked: Asked<Native>): Candidate | undefined
  /** By what was found, if it is fresh, or may be served stale. */
  byFound(asked: Asked<Native>, candidate: Candidate | undefined, how: Hit): candidate is Candidate
  /** By this response, if it is fresh. */
  ifFresh(asked: Asked<Native>, response: StoredResponse, how: Hit): boolean
}

export const PLAIN_HIT: Hit = { collapsed: false }

export function createHits<Native, Target>(
  { adapter, name }: Engine,
  { cacheStatus: cacheName }: Settings<Native, Target>,
  shelf: Shelf,
): Hits<Native> {
  const { now } = adapter

  /** False when what is stored has not the part that is wanted. */
  function send({ exchange, base }: Asked<Native>, stored: StoredResponse, { ageMs, ttlMs }: Reuse, how: Hit): boolean {
    const { method, headers } = exchange
    const { fwd, collapsed } = how
    const handling = fwd === undefined ? { hit: true, collapsed, ttlMs } : { fwd, collapsed, ttlMs }
    const answer = answerOf(stored, { method, conditions: headers, ageMs, handling, cacheName })
    if (answer === undefined) return false
    announce(name, base, handling)
    exchange.respond(answer)
    return true
  }

  function ifFresh(asked: Asked<Native>, response: StoredResponse, how: Hit): boolean {
    const reuse = reuseOf(response, now(), asked.control)
    return reuse.state === 'fresh' && send(asked, response, reuse, how)
  }

  return {
    ifFresh,

    byCopy(asked) {
      const copy = asked.refreshes ? undefined : shelf.near(asked.base, asked.exchange.headers)
      return copy !== undefined && ifFresh(asked, copy, PLAIN_HIT)
    },

    candidateIn({ stored }, { control }) {
      return stored?.kind === 'response' ? { response: stored, reuse: reuseOf(stored, now(), control) } : undefined
    },

    byFound(asked, candidate, how): candidate is Candidate {
      if (candidate === undefined || asked.refreshes || candidate.reuse.state === 'validate') return false
      return send(asked, candidate.response, candidate.reuse, how)
    },
  }
}
