import { checkKnown, shown } from '@holdfast/adapter/options'
import { LockTimeoutError } from './errors.ts'
import type { Holding, Lock } from './lock.ts'
import { type MultiLock, takeAll } from './multi-lock.ts'
import {
  type AcquireOptions,
  checkedKey,
  checkedKeys,
  checkedPermits,
  checkedWaitMs,
  type HoldOptions,
  type LocksOptions,
} from './options.ts'
import { type Busy, createTake, monotonic, type TakeOptions } from './take.ts'

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

  /**
   * The locks of several keys, held together, as a transfer needs those of two accounts: all are held, or none.
   *
   * They are taken one after the other, in the same order whatever order they are named in, so that two who want the same do not wait
   * for each other. A key that is named twice is taken once. `waitMs` is for all together; what was taken is given back where a later one
   * cannot be had. While it waits for a later one, the first are renewed, also without `autoExtend`.
   *
   * One command for each key, and one to give it back. `acquire` and `withLock` throw a LockLostError also where one of them was lost
   * while a later one was waited for.
   *
   * @throws {RangeError | TypeError} when it is no list of 1 to 100 strings
   */
  all(keys: readonly string[]): Lockable<MultiLock>
}

/** As `Locks`, for one key, or for several together. */
export interface Lockable<Held> {
  acquire(options?: AcquireOptions): Promise<Held>
  tryAcquire(options?: HoldOptions): Promise<Held | undefined>
  withLock<Result>(work: (lock: Held) => Result | Promise<Result>, options?: AcquireOptions): Promise<Result>
}

export type Semaphore = Lockable<Lock>

/**
 * Locks by name, over all processes that share the adapter.
 *
 * @throws {TypeError | RangeError} when an option is missing, unknown or out of range
 */
export function createLocks(options: LocksOptions): Locks {
  const take = createTake(options)
  const { now = monotonic } = options.alarms ?? {}

  function on(key: string, permits?: number): Lockable<Lock> {
    return lockable((options) => take(key, { ...options, permits }))
  }

  return {
    acquire: async (key, rest) => on(key).acquire(rest),
    tryAcquire: async (key, rest) => on(key).tryAcquire(rest),
    withLock: async (key, work, rest) => on(key).withLock(work, rest),
    semaphore: (key, permits) => on(checkedKey(key), checkedPermits(permits)),
    all(keys) {
      const inOrder = checkedKeys(keys)
      return lockable((options) => takeAll(take, now, inOrder, options))
    },
  }
}

/** What is taken by `take`, by the calls that users have. */
function lockable<Held extends Holding>(
  take: (options: TakeOptions) => Promise<{ readonly state: 'held'; readonly lock: Held } | Busy>,
): Lockable<Held> {
  async function acquire(options: AcquireOptions = {}): Promise<Held> {
    checkKnown('a lock', options, ['leaseMs', 'autoExtend', 'waitMs', 'signal'])
    const { waitMs = Number.POSITIVE_INFINITY } = options
    const taken = await take({ ...options, waitMs: checkedWaitMs(waitMs) })
    if (taken.state === 'busy') throw new LockTimeoutError(taken.key, waitMs, taken.retryInMs)
    return taken.lock
  }

  return {
    acquire,
    async tryAcquire(options = {}) {
      checkKnown('a lock', options, ['leaseMs', 'autoExtend', 'signal'])
      const taken = await take({ ...options, waitMs: 0 })
      return taken.state === 'held' ? taken.lock : undefined
    },
    async withLock(work, rest) {
      checkWork(work)
      return whileHeld(await acquire(rest), work)
    },
  }
}

/** @throws {TypeError} before anything is locked, when it is no function: options come last */
function checkWork(work: unknown): void {
  if (typeof work !== 'function') throw new TypeError(`work must be a function, got ${shown(work)}: the options come after it`)
}

async function whileHeld<Held extends Holding, Result>(
  lock: Held,
  work: (lock: Held) => Result | Promise<Result>,
): Promise<Result> {
  try {
    const result = await work(lock)
    if (!lock.isHeld()) lock.signal.throwIfAborted()
    return result
  } finally {
    await lock.release()
  }
}
