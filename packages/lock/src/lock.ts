import type { Adapter } from '@holdfast/adapter'
import { type Alarms, extend, type Heartbeat, type Lease, release, startHeartbeat } from '@holdfast/adapter/lease'
import { LockLostError } from './errors.ts'
import { announce } from './events.ts'

/** A lock that is held. */
export interface Lock {
  /** What is locked. */
  readonly key: string

  /**
   * Greater than that of any holder before, also over a FLUSHALL and a restart of Redis. Whatever the lock protects can refuse a
   * smaller one than it has seen.
   */
  readonly fence: number

  /**
   * Aborted, with a `LockLostError`, when the lease has ended and another may hold the lock: stop working then. Reading it looks at
   * the clock first. Not aborted by `release`.
   */
  readonly signal: AbortSignal

  /** Whether it is held at this moment, by this process' monotonic clock. */
  isHeld(): boolean

  /**
   * Renews the lease for `leaseMs` from now, and says whether it is held. Without `autoExtend` nothing else does.
   *
   * @throws {AdapterError} when the adapter fails; the lease goes on until its end
   */
  extend(): Promise<boolean>

  /**
   * Gives the lock back, to who is first in line. Never rejects.
   *
   * @returns Whether it was held until now: false when it was lost, or when the adapter fails: then it ends by itself. A second call
   *   gives the first one's answer
   */
  release(): Promise<boolean>

  [Symbol.asyncDispose](): Promise<void>
}

interface Held {
  readonly adapter: Adapter
  readonly name: string
  readonly key: string
  /** Where the lease is. */
  readonly subject: string
  readonly lease: Lease
  readonly leaseMs: number
  readonly autoExtend: boolean
  readonly alarms: Alarms | undefined
}

/** A lock and its heartbeat, which is for this package alone. */
export interface HeldLock {
  readonly lock: Lock
  readonly heartbeat: Heartbeat
}

export function heldLock({ adapter, name, key, subject, lease, leaseMs, autoExtend, alarms }: Held): HeldLock {
  const { token, fence, since } = lease
  let released: Promise<boolean> | undefined

  const heartbeat = startHeartbeat({
    leaseMs,
    since,
    renew: () => adapter.run(extend, subject, { token, leaseMs }),
    beats: autoExtend,
    lost() {
      announce({ type: 'lost', name, key, fence })
      return new LockLostError(key, fence)
    },
    ...(alarms && { alarms }),
  })

  async function giveBack(): Promise<boolean> {
    const wasHeld = heartbeat.isHeld()
    heartbeat.stop()
    // What is lost by the clock may still stand in Redis, by a renewal whose reply was lost.
    const gaveBack = await adapter.run(release, subject, { token }).catch(() => false)
    const held = wasHeld && gaveBack
    announce({ type: 'released', name, key, fence, held })
    return held
  }

  const lock: Lock = {
    key,
    fence,
    get signal() {
      return heartbeat.signal
    },
    isHeld: heartbeat.isHeld,
    extend: heartbeat.renew,
    release() {
      released ??= giveBack()
      return released
    },
    async [Symbol.asyncDispose]() {
      await lock.release()
    },
  }
  return { lock, heartbeat }
}
