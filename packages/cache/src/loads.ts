import { type Adapter, isAdapterError } from '@holdfast/adapter'
import { inboxOf, newToken, startHeartbeat } from '@holdfast/adapter/lease'
import type { Budget } from './budget.ts'
import { isNested } from './context.ts'
import type { Entries, Looked } from './entries.ts'
import { type FailedLoad, failedLoad, RemoteLoadError } from './errors.ts'
import type { Entry } from './frame.ts'
import { begin } from './operations/begin.ts'
import { renew } from './operations/renew.ts'
import { settle } from './operations/settle.ts'
import type { Moment } from './tag-clock.ts'
import { within } from './timeouts.ts'

/** A value, and its tags. */
export interface Tagged {
  readonly value: unknown
  readonly tags: readonly string[]
}

/** What a loader has made, and the moment before it began. */
export interface Loaded extends Tagged, Moment {}

/** A value, as the loader gave it or as it was kept; or nobody loads it for the caller. */
export type Obtained =
  | ({ readonly from: 'loader' } & Tagged)
  | { readonly from: 'entry'; readonly entry: Entry }
  | { readonly from: 'failure'; readonly error: unknown }
  | { readonly from: 'nobody' }

/** One load: how to do it, and how to keep what comes of it. */
export interface Task {
  readonly key: string
  readonly leaseMs: number
  /** Whether to wait while another process loads. */
  readonly waits: boolean
  /** How long to wait; then it is loaded for this caller alone. Defaults to as long as it takes. */
  readonly waitMs?: number
  /** Calls the loader; and `late`, once, when it has taken as long as it may. */
  load(moment: Moment, late?: () => void): Promise<Loaded>
  /** Keeps what it gave, if it can be kept. Otherwise it says what those who wait get: undefined, or that each loads for itself. */
  keep(loaded: Loaded, token: string, budget: Budget): Promise<'kept' | 'undefined' | 'unshared'>
  /** Whether an entry will do. */
  suits(entry: Entry): boolean
  newBudget(): Budget
  /** Who loads has been decided. */
  decided?(): void
  /** The adapter has failed while a load was going on. */
  failed(error: unknown): void
}

export interface Loads {
  /** Has the value loaded, by this process or another: by one of them at a time. Rejects with an AdapterError when the adapter fails. */
  obtain(task: Task, looked: Looked, budget: Budget): Promise<Obtained>
  /** Loads it here, whoever else does. */
  alone(task: Task, moment: Moment): Promise<Obtained>
}

/** A lease that was taken, when the call for it was sent, and what is left for the calls that end it. */
interface Lead {
  readonly token: string
  readonly since: number
  readonly moment: Moment
  readonly budget: Budget
}

interface Leading {
  readonly token: string
  readonly loaded: Promise<Loaded>
}

/** How often one who waits looks again by itself, in case that a message was lost. */
const POLL_MS = 1_000

export function createLoads(adapter: Adapter, entries: Entries): Loads {
  const inbox = inboxOf(adapter)
  const led = new Map<string, Leading>()

  async function lead(task: Task, { token, since, moment, budget }: Lead): Promise<Obtained> {
    const { key, leaseMs } = task
    const subject = entries.subjectOf(key)
    const heartbeat = startHeartbeat({
      leaseMs,
      since,
      renew: () => adapter.run(renew, subject, { token, leaseMs }),
      lost: () => new Error('The lease of the load was lost'),
    })
    const loaded = task.load(moment, giveUp)
    const leading = { token, loaded }
    led.set(key, leading)
    task.decided?.()
    /** Nobody waits for it any more: others may load after the lease, and what it gives is kept if nobody does. */
    function giveUp(): void {
      heartbeat.stop()
      if (led.get(key) === leading) led.delete(key)
    }
    try {
      const result = await settled(loaded)
      if (result.from === 'failure') {
        await end(task, token, JSON.stringify(failedLoad(result.error)), budget)
        return result
      }
      const kept = await task.keep(await loaded, token, budget)
      if (kept !== 'kept') await end(task, token, kept, budget)
      return result
    } finally {
      giveUp()
    }
  }

  async function end({ key, failed }: Task, token: string, outcome: string, budget: Budget): Promise<void> {
    const wake = entries.subjectOf(key)
    try {
      await budget.spend((options) => adapter.run(settle, wake, { token, outcome, wake }, options))
    } catch (error) {
      if (!isAdapterError(error)) throw error
      failed(error)
    }
  }

  async function alone(task: Task, moment: Moment): Promise<Obtained> {
    const loaded = task.load(moment)
    task.decided?.()
    return settled(loaded)
  }

  async function obtain(task: Task, looked: Looked, budget: Budget): Promise<Obtained> {
    const { key, leaseMs, waits, waitMs = Number.POSITIVE_INFINITY } = task
    const subject = entries.subjectOf(key)
    const listening = inbox.listen(subject)
    // Two loaders may wait for each other.
    const giveUpAt = performance.now() + (isNested() ? Math.min(leaseMs, waitMs) : waitMs)
    let { seen, moment } = looked
    let waitedFor = ''

    /** The value, if one has come that will do. */
    async function lookAgain(within: Budget): Promise<Obtained | undefined> {
      const [again = looked] = await entries.look([key], within)
      moment = again.moment
      seen = again.seen
      return again.entry !== undefined && task.suits(again.entry) ? { from: 'entry', entry: again.entry } : undefined
    }

    try {
      for (let left = budget; ; ) {
        const token = newToken()
        const since = performance.now()
        const address = waits ? inbox.address : ''
        const asked = await left.spend((options) =>
          adapter.run(begin, subject, { token, leaseMs, seen, waitedFor, address }, options),
        )
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
        const patienceMs = giveUpAt - performance.now()
        if (patienceMs <= 0) return await alone(task, moment)
        const own = led.get(key)
        if (own?.token === asked.token) {
          const result = await within<Obtained>(settled(own.loaded), patienceMs, () => ({ from: 'nobody' }))
          if (result.from === 'nobody') continue
          if (result.from === 'failure') return result
          if (await entries.isValid(await own.loaded, moment, task.newBudget())) return result
        } else {
          await listening.wait(Math.min(POLL_MS, asked.retryInMs, patienceMs))
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

async function settled(loaded: Promise<Loaded>): Promise<Extract<Obtained, { from: 'loader' | 'failure' }>> {
  try {
    const { value, tags } = await loaded
    return { from: 'loader', value, tags }
  } catch (error) {
    return { from: 'failure', error }
  }
}
