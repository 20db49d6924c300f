import type { Captured, Exchange, ResponseHead } from '@holdfast/http'
import { framed, lastingHeaders } from './answer.ts'
import { announceFailure } from './events.ts'
import { NO_BYTES } from './operations/record.ts'
import type { Committed, Run } from './runs.ts'
import { remember } from './seen.ts'
import { answerBy, type Standing } from './standing.ts'
import { type Exposed, encodedError, exposed } from './thrown.ts'

export interface AttemptRules extends Standing {
  readonly maxBytes: number
  readonly store: (status: number) => boolean
  readonly replayCookies: boolean
}

interface Attempted<Native> {
  readonly exchange: Exchange<Native>
  readonly next: () => Promise<void>
  readonly subject: string
  readonly key: string
  readonly run: Run
}

/** Has the later handlers answer, and keeps their response before its client gets it; or gives the client the one that stands. */
export async function attempt<Native extends object>(
  rules: AttemptRules,
  { exchange, next, subject, key, run }: Attempted<Native>,
): Promise<void> {
  const { name, maxBytes, store, replayCookies } = rules
  let isCancelled = false
  let isMarked = false

  function cancel(): Promise<boolean> {
    isCancelled = true
    return run.cancel()
  }

  async function onTooLarge({ status }: ResponseHead): Promise<void> {
    isMarked = !isCancelled && store(status)
    if (isMarked) await run.commit('too-large', NO_BYTES)
  }

  async function keep(captured: Captured): Promise<Committed | undefined> {
    const isLarge = captured.outcome === 'too-large'
    if (isLarge ? isMarked : isCancelled) return undefined
    if (captured.outcome !== 'complete' && !isLarge) return run.commit('unreplayable', NO_BYTES)
    if (captured.outcome !== 'complete' || !store(captured.status)) {
      await run.cancel()
      exchange.onClose(run.fail) // a handler may go on after its response, or after that of a timeout in front
      return undefined
    }
    const rawHeaders = lastingHeaders(captured.rawHeaders, replayCookies)
    const { status, reason, body, form } = captured
    return run.commit('answer', framed({ status, reason, rawHeaders, body, form }))
  }

  /** What handlers throw is answered in front, by Koa's middlewares: the error is kept, if its answer would be. */
  async function keepThrown(error: unknown): Promise<Committed | undefined> {
    const known = exposed(error)
    if (isCancelled || known === undefined || !store(known.status)) {
      run.fail()
      await run.cancel()
      return undefined
    }
    const bytes = encoded(known)
    if (bytes === undefined) return run.commit('unreplayable', NO_BYTES)
    return bytes.length <= maxBytes ? run.commit('thrown', bytes) : run.commit('too-large', NO_BYTES)
  }

  /** None of an error that is no JSON: its client gets it all the same. */
  function encoded({ error }: Exposed): Uint8Array | undefined {
    try {
      return encodedError(error)
    } catch (failure) {
      announceFailure({ name, key, call: 'encode', error: failure })
      return undefined
    }
  }

  /** Rejects, where it would throw: a response that is none of HTTP/1 cannot be held. */
  async function held(): Promise<Captured> {
    return exchange.hold(next, { maxBytes, onTooLarge: (head) => surely(() => onTooLarge(head)) })
  }

  /** Whatever is wrong with it: what was done is not done again. */
  async function surely<Kept>(kept: () => Promise<Kept>): Promise<Kept> {
    try {
      return await kept()
    } catch (error) {
      await run.commit('unreplayable', NO_BYTES)
      throw error
    }
  }

  remember(exchange.native, subject, {
    key,
    attempt: run.attempt,
    fence: run.fence,
    get signal() {
      return run.signal
    },
    cancel,
  })
  exchange.onClose(run.abandon)
  const captured = await held().catch((error: unknown) => ({ outcome: 'thrown', error }) as const)
  const committed = await surely(() => (captured.outcome === 'thrown' ? keepThrown(captured.error) : keep(captured)))
  if (committed?.state === 'in-progress' || (committed?.state === 'ended' && committed.outcome !== 'thrown')) {
    return answerBy(rules, exchange, key, committed)
  }
  if (captured.outcome === 'thrown') throw captured.error
}
