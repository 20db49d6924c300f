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
export function startHeartbeat({ leaseMs, since, renew, lost, alarms = heartbeatAlarms }: HeartbeatOptions): Heartbeat {
  checkedWhole('leaseMs', leaseMs, 1)
  const { now } = alarms
  const controller = new AbortController()
  const takenAt = since ?? now()
  let endsAt = takenAt + leaseMs
  let beatsAt = renew === undefined ? Number.POSITIVE_INFINITY : takenAt + leaseMs / 3
  let over = false
  let cancel = (): void => {}

  function wait(): void {
    cancel()
    cancel = alarms.at(Math.min(beatsAt, endsAt), () => {
      if (!isHeld()) return
      if (renew !== undefined && now() >= beatsAt) beat(renew)
      wait()
    })
  }

  /** The next beat does not wait for this one: a call that hangs is followed by another before the lease ends. */
  function beat(send: () => Promise<boolean>): void {
    const sentAt = now()
    beatsAt = sentAt + leaseMs / 3
    answerOf(send).then(
      (renewed) => {
        if (over) return
        if (!renewed) return lose(lost())
        endsAt = Math.max(endsAt, sentAt + leaseMs)
        if (isHeld()) wait()
      },
      (error: unknown) => {
        if (!isHeld()) return
        if (!isAdapterError(error)) return lose(error)
        beatsAt = Math.min(beatsAt, now() + leaseMs / 10)
        wait()
      },
    )
  }

  function isHeld(): boolean {
    if (over) return false
    if (now() < endsAt) return true
    lose(lost())
    return false
  }

  function lose(reason: unknown): void {
    stop()
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
      return controller.signal
    },
    isHeld,
    stop,
  }
}

async function answerOf(send: () => Promise<boolean>): Promise<boolean> {
  return send()
}
