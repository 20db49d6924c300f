import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import type { Span } from '../clock.ts'
import { createRuns } from '../runs.ts'
import type { Answer, World } from '../world.ts'
import type { Workload } from './workload.ts'

const BOUND_MS = 3_500
const MOST_KEPT = 60
const MOST_TRIES = 12

interface Paid {
  readonly fence: number
  readonly span: Span
}

/** A payment is made once for a key, unless what came of it could not be kept. */
export function createPayments({ ask, history, members, random, listen }: World): Workload {
  const answers = new Map<string, Paid[]>()
  const runs = createRuns(history)
  listen(runs.hear)

  async function send(key: string): Promise<Answer> {
    const headers = { 'Idempotency-Key': `"${key}"` }
    const member = random.oneOf(members)
    const answer = await ask({
      workload: 'payments',
      member,
      path: '/payment',
      method: 'POST',
      headers,
      may: [409],
      boundMs: BOUND_MS,
    })
    const { status, fields, span } = answer
    if (status !== 201) return answer
    const paid = { fence: Number(fields['fence']), span }
    const before = answers.get(key) ?? []
    answers.set(key, [...before, paid])
    const newer = before.find((each) => each.span.to < span.from && each.fence > paid.fence)
    if (newer !== undefined && !history.isLost({ from: newer.span.from, to: span.to })) {
      history.breach('a retry gets what stands', `${key}: ${paid.fence} after ${newer.fence}`)
    }
    return answer
  }

  /** Some send at once, as of a client that does not wait. */
  async function pay(key: string): Promise<void> {
    for (let tries = 0; tries < MOST_TRIES; tries += 1) {
      const sent = await Promise.all(Array.from({ length: random.whole(1, 3) }, () => send(key)))
      if (sent.some(({ status }) => status === 201)) return
      await pause(random.whole(20, 200))
    }
  }

  return {
    name: 'payments',
    clients: 5,

    async visit() {
      const before = [...answers.keys()]
      if (before.length > 0 && random.chance(0.3)) return void (await send(random.oneOf(before)))
      const key = randomUUID()
      answers.set(key, [])
      await pay(key)
    },

    async rest() {
      for (const key of [...answers.keys()]) {
        const { status, fields, span } = await send(key)
        const detail = `payment ${key}: ${status} ${JSON.stringify(fields)}, ${runs.show(key)}`
        if (status !== 201) history.breach('what nobody holds is free', detail, () => history.isDisturbed(span))
        runs.check(key, new Set(answers.get(key)?.map(({ fence }) => fence)))
      }
      for (const key of [...answers.keys()].slice(0, -MOST_KEPT)) {
        answers.delete(key)
        runs.forget(key)
      }
    },
  }
}
