import { subjectKey } from '@holdfast/adapter'
import { askForLease } from '@holdfast/adapter/lease'
import { checkedFlag, checkKnown, shown } from '@holdfast/adapter/options'
import { LockTimeoutError } from './errors.ts'
import { announce } from './events.ts'
import { type HeldLock, heldLock, type Lock } from './lock.ts'
import {
  type AcquireOptions,
  checkedKey,
  checkedLocksOptions,
  checkedMs,
  checkedPermits,
  checkedWaitMs,
  type HoldOptions,
  type LocksOptions,
} from './options.ts'

export interface Locks {
  /**
   * Takes the lock of `key`: at once where it is free, else first come, first served, woken by whoever gives it back.
   *
   * One command where nobody is in the way, and one to give it back. A waiter sends at most one a second. A lock is not re-entrant:
   * whoever holds it and asks again waits for itself.
   *
   * @throws {LockTimeoutError} when it was not free within `waitMs`
   * @throws {AdapterError} when the adapter fails: at once, or for 5 s while it waits; when it is closed, at once
   * @throws The signal's reason, when it is aborted; the place in line is given back
   */
  acquire(key: string, options?: AcquireOptions): Promise<Lock>

  /**
   * Takes the lock of `key` if it is free and nobody waits for it.
   *
   * @returns The lock, or undefined
   * @throws {AdapterError} when the adapter fails
   */
  tryAcquire(key: string, options?: HoldOptions): Promise<Lock | undefined>

  /**
   * Runs `work` while it holds the lock of `key`, and gives it back, whatever becomes of `work`.
   *
   * @returns What `work` returns
   * @throws {LockLostError} when the lock was lost before `work` had ended: another may have worked at the same time
   * @throws what `work` and `acquire` throw
   */
  withLock<Result>(key: string, work: (lock: Lock) => Result | Promise<Result>, options?: AcquireOptions): Promise<Result>

  /**
   * A lock that as many as `permits` may hold at once. All that use one `key` give the same number: the last call decides.
   *
   * A semaphore and a lock of the same key have nothing to do with each other. Each step looks at all holders: it is meant for tens of
   * them.
   *
   * @throws {RangeError} when `permits` is no whole number from 1 to 1,000
   */
  semaphore(key: string, permits: number): Semaphore
}

/** As `Locks`, for one key. */
export interface Semaphore {
  acquire(options?: AcquireOptions): Promise<Lock>
  tryAcquire(options?: HoldOptions): Promise<Lock | undefined>
  withLock<Result>(work: (lock: Lock) => Result | Promise<Result>, options?: AcquireOptions): Promise<Result>
}

/**
 * Locks by name, over all processes that share the adapter.
 *
 * @throws {TypeError | RangeError} when an option is missing, unknown or out of range
 */
export function createLocks(options: LocksOptions): Locks {
  const take = createTake(options)

  function on(key: string, permits: number | undefined): Semaphore {
    async function acquire(options: AcquireOptions = {}): Promise<Lock> {
      checkKnown('a lock', options, ['leaseMs', 'autoExtend', 'waitMs', 'signal'])
      const { waitMs = Number.POSITIVE_INFINITY } = options
      const taken = await take(key, { ...options, waitMs: checkedWaitMs(waitMs), permits })
      if (taken.state === 'busy') throw new LockTimeoutError(key, waitMs, taken.retryInMs)
      return taken.lock
    }

    return {
      acquire,
      async tryAcquire(options = {}) {
        checkKnown('a lock', options, ['leaseMs', 'autoExtend', 'signal'])
        const taken = await take(key, { ...options, waitMs: 0, permits })
        return taken.state === 'held' ? taken.lock : undefined
      },
      async withLock(work, rest) {
        checkWork(work)
        return whileHeld(await acquire(rest), work)
      },
    }
  }

  return {
    acquire: async (key, rest) => on(key, undefined).acquire(rest),
    tryAcquire: async (key, rest) => on(key, undefined).tryAcquire(rest),
    withLock: async (key, work, rest) => on(key, undefined).withLock(work, rest),
    semaphore: (key, permits) => on(checkedKey(key), checkedPermits(permits)),
  }
}

/** @throws {TypeError} before anything is locked, when it is no function: options come last */
function checkWork(work: unknown): void {
  if (typeof work !== 'function') throw new TypeError(`work must be a function, got ${shown(work)}: the options come after it`)
}

async function whileHeld<Result>(lock: Lock, work: (lock: Lock) => Result | Promise<Result>): Promise<Result> {
  try {
    const result = await work(lock)
    if (!lock.isHeld()) lock.signal.throwIfAborted()
    return result
  } finally {
    await lock.release()
  }
}

interface TakeOptions extends AcquireOptions {
  readonly waitMs: number
  /** Undefined: a lock. */
  readonly permits?: number | undefined
}

export type Taken = ({ readonly state: 'held' } & HeldLock) | { readonly state: 'busy'; readonly retryInMs: number }

/** What both locks and `serialize` stand on: it takes a lock, or says when to ask again. */
export function createTake(locksOptions: LocksOptions): (key: string, options: TakeOptions) => Promise<Taken> {
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
        return answer
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

function monotonic(): number {
  return performance.now()
}
