import { isAdapterError } from '../errors.ts'
import { checkedWhole } from '../options.ts'
import { type Alarms, heartbeatAlarms } from './alarms.ts'

export interface HeartbeatOptions {
  /** How long the lease lasts after each renewal, in milliseconds. */
  readonly leaseMs: number

  /** When the call that took the lease was sent, by `performance.now()`. Defaults to now. */
  readonly since?: number

  /**
   * Renews the lease for `leaseMs`, and says whether it was still ours. Called every `leaseMs / 3`. When it rejects with an
   * AdapterError it is called again every `leaseMs / 10`. Without it the lease ends by itself.
   */
  readonly renew?: () => Promise<boolean>

  /** Whether it renews by itself. Defaults to true; without it the lease is renewed only by `renew()`. */
  readonly beats?: boolean

  /** What `signal` is aborted with when the lease is lost. */
  readonly lost: () => Error

  /** The clock, for tests. Defaults to the monotonic one. */
  readonly alarms?: Alarms
}

/** A lease that is kept alive. */
export interface Heartbeat {
  /**
   * Aborted, once, when the lease is lost: a renewal said so, or none has succeeded for `leaseMs`, counted from when it was sent.
   *
   * Reading this property looks at the clock first, so that after a pause of the process nobody is told yesterday's news. A bug in
   * `renew`, any error that is no AdapterError, aborts it as well, with that error.
   */
  readonly signal: AbortSignal
  /** Whether the lease is held at this moment, by the monotonic clock; false once it was stopped. */
  isHeld(): boolean
  /**
   * Renews the lease now, and says whether it is held. Without a call when it is over already, or cannot be renewed.
   *
   * @throws what `renew` rejects with; the lease goes on until its end
   */
  renew(): Promise<boolean>
  /** Renews no more by itself: the lease ends `leaseMs` after the last renewal, and then `signal` is aborted. */
  rest(): void
  /** Ends it, before the lease is given back. `signal` is not aborted any more. */
  stop(): void
}

/**
 * Keeps a lease alive while its holder lives, on the monotonic clock. It never rejects, and does not keep the process alive.
 *
 * All heartbeats of a process share one timer.
 *
 * @throws {RangeError} when `leaseMs` is not a whole number of at least 1
 */
export function startHeartbeat({
  leaseMs,
  since,
  renew,
  beats = true,
  lost,
  alarms = heartbeatAlarms,
}: HeartbeatOptions): Heartbeat {
  checkedWhole('leaseMs', leaseMs, 1)
  const { now } = alarms
  let controller: AbortController | undefined // made when it is asked for: most leases end before
  const takenAt = since ?? now()
  let endsAt = takenAt + leaseMs
  let beating = beats && renew !== undefined
  let beatsAt = takenAt + leaseMs / 3
  let over = false
  let cancel = (): void => {}

  function wait(): void {
    cancel()
    cancel = alarms.at(beating ? Math.min(beatsAt, endsAt) : endsAt, () => {
      if (!isHeld()) return
      if (beating && now() >= beatsAt) beat()
      wait()
    })
  }

  /** The next beat does not wait for this one: a call that hangs is followed by another before the lease ends. */
  function beat(): void {
    renewOnce().catch((error: unknown) => {
      if (!isHeld()) return
      if (!isAdapterError(error)) return lose(error)
      beatsAt = Math.min(beatsAt, now() + leaseMs / 10)
      wait()
    })
  }

  async function renewOnce(): Promise<boolean> {
    if (!isHeld() || renew === undefined) return false
    const sentAt = now()
    beatsAt = sentAt + leaseMs / 3
    const renewed = await renew()
    if (over) return false
    if (renewed) endsAt = Math.max(endsAt, sentAt + leaseMs)
    else lose(lost())
    if (!isHeld()) return false
    wait()
    return true
  }

  function isHeld(): boolean {
    if (over) return false
    if (now() < endsAt) return true
    lose(lost())
    return false
  }

  function lose(reason: unknown): void {
    stop()
    controller ??= new AbortController()
    controller.abort(reason)
  }

  function stop(): void {
    over = true
    cancel()
  }

  wait()
  return {
    get signal() {
      isHeld()
      controller ??= new AbortController()
      return controller.signal
    },
    isHeld,
    renew: renewOnce,
    rest() {
      beating = false
      if (!over) wait()
    },
    stop,
  }
}
