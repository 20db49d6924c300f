import { checkedWhole } from '../checks.ts'
import { isAdapterError } from '../errors.ts'
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
  /** Ends it, before the lease is given back. `signal` is not aborted any more, but by `lose`. */
  stop(): void
  /** Ends it, and aborts `signal`: the lease is given back, or was, and what works on may meet the next holder. */
  lose(): void
}

/**
 * Keeps a lease alive while its holder lives, on the monotonic clock. It never rejects, and does not keep the process alive.
 *
 * All heartbeats of a process share one timer.
 *
 * @throws {RangeError} when `leaseMs` is not a whole number of at least 1
 */
export function startHeartbeat(options: HeartbeatOptions): Heartbeat {
  checkedWhole('leaseMs', options.leaseMs, 1)
  return new Pulse(options)
}

/** A class, since a getter on each of many objects costs more than all else here. */
class Pulse implements Heartbeat {
  readonly #leaseMs: number
  readonly #renew: HeartbeatOptions['renew']
  readonly #lost: () => Error
  readonly #alarms: Alarms
  #endsAt: number
  #beatsAt: number
  #beating: boolean
  #over = false
  #lostBy: { readonly reason: unknown } | undefined
  /** Made when it is asked for. */
  #controller: AbortController | undefined
  #cancel: () => void = () => {}

  constructor({ leaseMs, since, renew, beats = true, lost, alarms = heartbeatAlarms }: HeartbeatOptions) {
    const takenAt = since ?? alarms.now()
    this.#leaseMs = leaseMs
    this.#renew = renew
    this.#lost = lost
    this.#alarms = alarms
    this.#endsAt = takenAt + leaseMs
    this.#beatsAt = takenAt + leaseMs / 3
    this.#beating = beats && renew !== undefined
    this.#wait()
  }

  get signal(): AbortSignal {
    this.isHeld()
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#lostBy !== undefined) this.#controller.abort(this.#lostBy.reason)
    }
    return this.#controller.signal
  }

  isHeld(): boolean {
    if (this.#over) return false
    if (this.#alarms.now() < this.#endsAt) return true
    this.#lose(this.#lost())
    return false
  }

  async renew(): Promise<boolean> {
    if (!this.isHeld() || this.#renew === undefined) return false
    const sentAt = this.#alarms.now()
    this.#beatsAt = sentAt + this.#leaseMs / 3
    const renewed = await this.#renew()
    if (this.#over) return false
    if (renewed) this.#endsAt = Math.max(this.#endsAt, sentAt + this.#leaseMs)
    else this.#lose(this.#lost())
    if (!this.isHeld()) return false
    this.#wait()
    return true
  }

  rest(): void {
    this.#beating = false
    if (!this.#over) this.#wait()
  }

  stop(): void {
    this.#over = true
    this.#cancel()
  }

  lose(): void {
    if (this.#lostBy === undefined) this.#lose(this.#lost())
  }

  #wait(): void {
    this.#cancel()
    this.#cancel = this.#alarms.at(this.#beating ? Math.min(this.#beatsAt, this.#endsAt) : this.#endsAt, () => {
      if (!this.isHeld()) return
      if (this.#beating && this.#alarms.now() >= this.#beatsAt) this.#beat()
      this.#wait()
    })
  }

  /** The next beat does not wait for this one: a call that hangs is followed by another before the lease ends. */
  #beat(): void {
    this.renew().catch((error: unknown) => {
      if (!this.isHeld()) return
      if (!isAdapterError(error)) return this.#lose(error)
      this.#beatsAt = Math.min(this.#beatsAt, this.#alarms.now() + this.#leaseMs / 10)
      this.#wait()
    })
  }

  #lose(reason: unknown): void {
    this.stop()
    this.#lostBy = { reason }
    this.#controller?.abort(reason)
  }
}
