import { type Adapter, isAdapterError } from '@holdfast/adapter'
import { startHeartbeat } from '@holdfast/adapter/lease'
import type { Budget } from './budget.ts'
import type { Entries } from './entries.ts'
import { failedLoad } from './errors.ts'
import { giveBack } from './give-back.ts'
import { renew } from './operations/renew.ts'
import { settle } from './operations/settle.ts'
import type { Moment } from './tag-clock.ts'
import type { Loaded, Obtained, Task } from './task.ts'

/** A lease that was taken, when the call for it was sent, and what is left for the calls that end it. */
export interface Lead {
  readonly token: string
  readonly since: number
  readonly moment: Moment
  readonly budget: Budget
}

/** The loads that this process does, each by its lease. */
export interface Leads {
  /** Loads, and keeps what comes of it. */
  lead(task: Task, lead: Lead): Promise<Obtained>
  /** The load of a key by this token, while it goes on here and is not late. */
  running(key: string, token: string): Promise<Loaded> | undefined
}

export function createLeads(adapter: Adapter, entries: Entries): Leads {
  const led = new Map<string, { readonly token: string; readonly loaded: Promise<Loaded> }>()

  /** Ends a load: what it gave is kept, or those who wait are told why not. */
  async function end(task: Task, token: string, loaded: Promise<Loaded>, budget: Budget): Promise<Obtained> {
    const { key, leaseMs } = task
    const wake = entries.subjectOf(key)
    const result = await settled(loaded)
    try {
      const outcome =
        result.from === 'failure' ? JSON.stringify(failedLoad(result.error)) : await task.keep(await loaded, token, budget)
      if (outcome !== 'kept') await budget.spend((options) => adapter.run(settle, wake, { token, outcome, wake }, options))
    } catch (error) {
      if (!isAdapterError(error)) throw error
      task.failed(error)
      giveBack(adapter, wake, token, leaseMs)
    }
    return result
  }

  return {
    lead(task, { token, since, moment, budget }) {
      const { key, leaseMs } = task
      const subject = entries.subjectOf(key)
      const heartbeat = startHeartbeat({
        leaseMs,
        since,
        renew: () => adapter.run(renew, subject, { token, leaseMs }),
        lost: () => new Error('The lease of the load was lost'),
      })
      const loaded = task.load(moment)
      const leading = { token, loaded }
      led.set(key, leading)
      task.decided?.()
      /** Others may load after the lease, and what this one gives is kept if nobody does. */
      function giveUp(): void {
        heartbeat.stop()
        if (led.get(key) === leading) led.delete(key)
      }
      return inTime(task, loaded, end(task, token, loaded, budget).finally(giveUp), giveUp)
    },

    running(key, token) {
      const own = led.get(key)
      return own?.token === token ? own.loaded : undefined
    },
  }
}

/** What comes of a load; once it is late, that it is: it may never end. */
export function inTime(
  task: Task,
  loaded: Promise<Loaded>,
  ended: Promise<Obtained>,
  giveUp = (): void => {},
): Promise<Obtained> {
  const { lateMs = Number.POSITIVE_INFINITY } = task
  if (lateMs === Number.POSITIVE_INFINITY) return ended
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      giveUp()
      resolve({ from: 'failure', error: task.late() })
    }, lateMs).unref()
    const isInTime = (): void => clearTimeout(timer)
    loaded.then(isInTime, isInTime)
    ended.then(resolve, reject)
  })
}

export async function settled(loaded: Promise<Loaded>): Promise<Extract<Obtained, { from: 'loader' | 'failure' }>> {
  try {
    const { value, tags } = await loaded
    return { from: 'loader', value, tags }
  } catch (error) {
    return { from: 'failure', error }
  }
}
