import type { Adapter } from '@holdfast/adapter'
import { type Alarms, extend, type Heartbeat, type Lease, release, returnsOf, startHeartbeat } from '@holdfast/adapter/lease'
import { LockLostError } from './errors.ts'
import { announce } from './events.ts'

/** What a lock has, and several that are held together. */
export interface Holding {
  /**
   * Aborted, with a `LockLostError`, when a lease has ended and another may hold that lock: stop working then. Reading it looks at the
   * clock first. Not aborted by `release`.
   */
  readonly signal: AbortSignal

  /** Whether it is held at this moment, by this process' monotonic clock; of several, whether all are. */
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
   * @returns Whether it was held until now: false when it was lost, or when the adapter fails: then it is given back as soon as that
   *   works again, or ends by itself. A second call gives the first one's answer
   */
  release(): Promise<boolean>

  [Symbol.asyncDispose](): Promise<void>
}

/** A lock that is held. */
export interface Lock extends Holding {
  /** What is locked. */
  readonly key: string

  /**
   * Greater than that of any holder before, also over a FLUSHALL and a restart of Redis. Whatever the lock protects can refuse a
   * smaller one than it has seen.
   */
  readonly fence: number
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

export function heldLock(held: Held): HeldLock {
  const { adapter, name, key, subject, lease, leaseMs, autoExtend, alarms } = held
  const { token, fence, since } = lease
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
  return { lock: new LeaseLock(held, heartbeat), heartbeat }
}

/** A class, since a getter on each of many objects costs more than all else here. Its methods go without it as well. */
class LeaseLock implements Lock {
  readonly key: string
  readonly fence: number
  readonly #held: Held
  readonly #heartbeat: Heartbeat
  #released: Promise<boolean> | undefined

  constructor(held: Held, heartbeat: Heartbeat) {
    this.key = held.key
    this.fence = held.lease.fence
    this.#held = held
    this.#heartbeat = heartbeat
  }

  get signal(): AbortSignal {
    return this.#heartbeat.signal
  }

  readonly isHeld = (): boolean => this.#heartbeat.isHeld()

  readonly extend = (): Promise<boolean> => this.#heartbeat.renew()

  readonly release = (): Promise<boolean> => {
    this.#released ??= this.#giveBack()
    return this.#released
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.release()
  }

  async #giveBack(): Promise<boolean> {
    const { adapter, name, key, subject, lease, leaseMs } = this.#held
    const wasHeld = this.#heartbeat.isHeld()
    this.#heartbeat.stop()
    const about = { type: 'released', name, key, fence: lease.fence } as const
    const giveBack = (): Promise<boolean> => adapter.run(release, subject, { token: lease.token })
    try {
      // What is lost by the clock may still stand in Redis, by a renewal whose reply was lost.
      const held = (await giveBack()) && wasHeld
      announce({ ...about, held })
      return held
    } catch (error) {
      returnsOf(adapter).owe(giveBack, leaseMs)
      announce({ ...about, held: false, error })
      return false
    }
  }
}
