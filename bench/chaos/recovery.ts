import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { now } from './clock.ts'
import { RECOVERY_MS } from './history.ts'
import type { Member } from './members.ts'
import type { Question, World } from './world.ts'

/** How much later it may be where the machine had no time. */
const STALLED_MS = 7_000

/** Keys of several slots: those of one node of a Cluster are no more than a part. */
const KEYS = 3

/** Resolves when everything works again in every process. */
export async function recovered({ ask, history, members }: World): Promise<void> {
  const from = now()

  /** What does not work yet. */
  async function ailing(member: Member): Promise<string | undefined> {
    const key = randomUUID()
    const question = (path: string, rest: Partial<Question> = {}): Question => {
      return { workload: 'probes', member, path, method: 'POST', boundMs: RECOVERY_MS, ...rest }
    }
    const limit = await ask(question(`/limit/sliding-window-log/${key}`, { method: 'GET', withoutRedis: true }))
    if (limit.fields['source'] !== 'adapter') return `the limit is ${JSON.stringify(limit.fields)}`
    const others = await Promise.all([
      ask(question(`/lock/${key}`)),
      ask(question(`/purge/page/${key}`)),
      ask(question(`/session/user/log-in?user=${key}`)),
      ask(question('/payment', { headers: { 'Idempotency-Key': key } })),
    ])
    const failed = others.filter(({ status }) => status !== 200 && status !== 201)
    return failed.length === 0 ? undefined : failed.map(({ fields }) => JSON.stringify(fields)).join(', ')
  }

  async function wait(member: Member): Promise<void> {
    for (let left = KEYS; left > 0; ) {
      const ailment = await ailing(member)
      if (ailment === undefined) left -= 1
      else await pause(100)
      const span = { from, to: now() }
      const mostMs = RECOVERY_MS + (history.isStalled(span) ? STALLED_MS : 0)
      if (ailment === undefined || span.to - from <= mostMs) continue
      const detail = `process ${member.index} is not well after ${(span.to - from).toFixed(0)} ms: ${ailment}`
      return history.breach('after a fault all is as before', detail, () => history.isStalled(span))
    }
  }

  await Promise.all(members.map(wait))
  history.note(`all is well again after ${(now() - from).toFixed(0)} ms`)
}
