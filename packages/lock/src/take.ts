import { subjectKey } from '@holdfast/adapter'
import { askForLease } from '@holdfast/adapter/lease'
import { checkedFlag } from '@holdfast/adapter/options'
import { announce } from './events.ts'
import { type HeldLock, heldLock } from './lock.ts'
import { type AcquireOptions, checkedKey, checkedLocksOptions, checkedMs, type LocksOptions } from './options.ts'

export interface TakeOptions extends AcquireOptions {
  readonly waitMs: number
  /** Undefined: a lock. */
  readonly permits?: number | undefined
}

export type Taken = ({ readonly state: 'held' } & HeldLock) | Busy

/** Others hold it, or wait for it. */
export interface Busy {
  readonly state: 'busy'
  readonly key: string
  readonly retryInMs: number
}

export type Take = (key: string, options: TakeOptions) => Promise<Taken>

/** What locks and `serialize` stand on: it takes a lock, or says when to ask again. */
export function createTake(locksOptions: LocksOptions): Take {
  const { adapter, name, leaseMs: defaultLeaseMs, alarms } = checkedLocksOptions(locksOptions)
  const now = alarms?.now ?? monotonic

  return async function take(key, { waitMs, permits, signal, leaseMs = defaultLeaseMs, autoExtend = true }) {
    checkedMs('leaseMs', leaseMs)
    checkedFlag('autoExtend', autoExtend)
    const subject = subjectKey(permits === undefined ? 'lock' : 'semaphore', name, checkedKey(key))
    const startedAt = now()
    try {
      const asking = { leaseMs, waitMs, signal, permits: permits ?? 1, ...(alarms && { alarms }) }
      const answer = await askForLease(adapter, subject, asking)
      const waitedMs = now() - startedAt
      if (answer.state === 'busy') {
        announce({ type: 'refused', name, key, waitedMs })
        return { ...answer, key }
      }
      const { lease } = answer
      announce({ type: 'acquired', name, key, fence: lease.fence, waitedMs })
      return { state: 'held', ...heldLock({ adapter, name, key, subject, lease, leaseMs, autoExtend, alarms }) }
    } catch (error) {
      announce({ type: 'refused', name, key, waitedMs: now() - startedAt, error })
      throw error
    }
  }
}

/** Milliseconds of a clock that nobody sets. */
export function monotonic(): number {
  return performance.now()
}
