import { type Adapter, mayHaveRun } from '@holdfast/adapter'
import { inboxOf, newToken } from '@holdfast/adapter/lease'
import type { Budget } from './budget.ts'
import { isNested } from './context.ts'
import type { Entries, Looked } from './entries.ts'
import { type FailedLoad, RemoteLoadError } from './errors.ts'
import { giveBack } from './give-back.ts'
import { createLeads, inTime, settled } from './lead.ts'
import { type BeginResult, begin } from './operations/begin.ts'
import type { Moment } from './tag-clock.ts'
import type { Obtained, Task } from './task.ts'
import { within } from './timeouts.ts'

export interface Loads {
  /** Has the value loaded, by this process or another: by one of them at a time. Rejects with an AdapterError when the adapter fails. */
  obtain(task: Task, looked: Looked, budget: Budget): Promise<Obtained>
  /** Loads it here, whoever else does. */
  alone(task: Task, moment: Moment): Promise<Obtained>
}

/** How often one who waits looks again by itself, in case that a message was lost. */
const POLL_MS = 1_000

export function createLoads(adapter: Adapter, entries: Entries): Loads {
  const inbox = inboxOf(adapter)
  const { lead, running } = createLeads(adapter, entries)

  async function alone(task: Task, moment: Moment): Promise<Obtained> {
    const loaded = task.load(moment)
    task.decided?.()
    return inTime(task, loaded, settled(loaded))
  }

  async function obtain(task: Task, looked: Looked, budget: Budget): Promise<Obtained> {
    const { key, leaseMs, waits, lateMs = Number.POSITIVE_INFINITY } = task
    const subject = entries.subjectOf(key)
    const listening = inbox.listen(subject)
    const begunAt = performance.now()
    // Two loaders may wait for each other.
    const patienceMs = isNested() ? Math.min(leaseMs, lateMs) : lateMs
    let { seen, moment } = looked
    let waitedFor = ''

    async function ask(token: string, within: Budget): Promise<BeginResult> {
      const args = { token, leaseMs, seen, waitedFor, address: waits ? inbox.address : '' }
      try {
        return await within.spend((options) => adapter.run(begin, subject, args, options))
      } catch (error) {
        if (mayHaveRun(error)) giveBack(adapter, subject, token, leaseMs)
        throw error
      }
    }

    /** The value, if one has come that will do. */
    async function lookAgain(within: Budget): Promise<Obtained | undefined> {
      const [again = looked] = await entries.look([key], within)
      moment = again.moment
      seen = again.seen
      return again.entry !== undefined && task.suits(again.entry) ? { from: 'entry', entry: again.entry } : undefined
    }

    try {
      for (let left = budget; ; ) {
        const since = performance.now()
        if (since - begunAt >= lateMs) return { from: 'failure', error: task.late() }
        const token = newToken()
        const asked = await ask(token, left)
        if (asked.state === 'lead') return await lead(task, { token, since, moment, budget: left })
        if (asked.state === 'settled') {
          if (asked.outcome === 'undefined') return { from: 'loader', value: undefined, tags: [] }
          if (asked.outcome === 'unshared') return await alone(task, moment)
          const failed = JSON.parse(asked.outcome) as FailedLoad // written by `lead`
          return { from: 'failure', error: new RemoteLoadError(failed) }
        }
        if (asked.state === 'changed') {
          const found = await lookAgain(left)
          if (found !== undefined) return found
          seen = asked.id
          continue
        }
        task.decided?.()
        if (!waits) return { from: 'nobody' }
        const waitMs = begunAt + patienceMs - performance.now()
        if (waitMs <= 0) return await alone(task, moment)
        const own = running(key, asked.token)
        if (own !== undefined) {
          const result = await within<Obtained>(settled(own), waitMs, () => ({ from: 'nobody' }))
          if (result.from === 'nobody') continue
          if (result.from === 'failure') return result
          if (await entries.isValid(await own, moment, task.newBudget())) return result
        } else {
          await listening.wait(Math.min(POLL_MS, asked.retryInMs, waitMs))
        }
        waitedFor = asked.token
        left = task.newBudget()
        const found = await lookAgain(left)
        if (found !== undefined) return found
      }
    } finally {
      listening.stop()
    }
  }

  return { obtain, alone }
}
