import { setTimeout as pause } from 'node:timers/promises'
import type { Said } from './app/said.ts'
import { LEASE_MS } from './app/setup.ts'
import { now, type Span } from './clock.ts'
import type { History } from './history.ts'
import type { Member } from './members.ts'
import type { Origin } from './origin.ts'
import type { Random } from './random.ts'

/** How long a client waits for any answer of a process that is stopped meanwhile. */
const PATIENCE_MS = 15_000

/** What clients see, and what is known of everything. */
export interface World {
  readonly history: History
  readonly members: readonly Member[]
  readonly origin: Origin
  readonly random: Random
  /** Requests by workload and status; 0 where there was no answer. */
  readonly counts: Map<string, Map<number, number>>
  ask(question: Question): Promise<Answer>
  /** What members say, from now on. */
  listen(hear: (member: number, said: Said) => void): void
}

export interface Question {
  readonly workload: string
  readonly member: Member
  readonly path: string
  readonly method?: 'GET' | 'POST'
  readonly headers?: Record<string, string>
  /** Statuses of a good day, beside 200 and 201. */
  readonly may?: readonly number[]
  /** Whether it is answered without Redis as well. */
  readonly withoutRedis?: boolean
  /** How long it may take, with all deadlines and waits on its way; and a lease more after a process was stopped or killed. */
  readonly boundMs: number
}

export interface Answer {
  /** 0: none. */
  readonly status: number
  readonly fields: Record<string, unknown>
  readonly headers: Headers
  /** From when it was asked to when the answer was there. */
  readonly span: Span
}

export function createAsk({ history, counts }: Pick<World, 'history' | 'counts'>): World['ask'] {
  async function answerOf({ member, path, method = 'GET', headers = {} }: Question): Promise<Answer> {
    const from = now()
    try {
      const response = await fetch(member.url + path, { method, headers, signal: AbortSignal.timeout(PATIENCE_MS) })
      const text = await response.text()
      const fields = text.startsWith('{') ? (JSON.parse(text) as Answer['fields']) : { text }
      return { status: response.status, fields, headers: response.headers, span: { from, to: now() } }
    } catch (error) {
      const { message, cause } = error as Error // fetch rejects with errors
      return { status: 0, fields: { text: `${message}: ${String(cause)}` }, headers: new Headers(), span: { from, to: now() } }
    }
  }

  function check(question: Question, { status, fields, span }: Answer): void {
    const { member, path, method = 'GET', may = [], withoutRedis = false, boundMs } = question
    const ms = span.to - span.from
    const what = `${method} ${path} at process ${member.index} (${member.framework}), ${ms.toFixed(0)} ms: ${status}`
    const isHeldUp = history.isHeldUp(member.index, span)
    const isLate = ms > boundMs + (history.isAnyHeldUp({ from: span.from - LEASE_MS, to: span.to }) ? LEASE_MS : 0)
    if (status === 0 && !isHeldUp) history.breach('every request is answered', `${what} ${JSON.stringify(fields)}`)
    if (isLate && !isHeldUp) history.breach('answers come in time', `${what}, over ${boundMs} ms`, () => history.isStalled(span))
    const isGood = [0, 200, 201, ...may].includes(status)
    if (isGood) return
    const detail = `${what} ${JSON.stringify(fields)}`
    if (status !== 503 || withoutRedis) history.breach('no answer is an error', detail)
    else history.breach('after a fault all is as before', detail, () => history.isDisturbed(span))
  }

  return async (question) => {
    const answer = await answerOf(question)
    const ofWorkload = counts.get(question.workload) ?? new Map<number, number>()
    counts.set(question.workload, ofWorkload.set(answer.status, (ofWorkload.get(answer.status) ?? 0) + 1))
    check(question, answer)
    if (answer.status === 0) await pause(50) // it is being started again
    return answer
  }
}
