import { AdapterUnavailableError } from '../errors.ts'
import { announceCircuit } from '../trace.ts'
import { isAnswer } from './errors.ts'

/** How often a call is let through to a master that does not answer, to see whether it does again. */
const PROBE_EVERY_MS = 500

/** A timeout says something of the master only if nothing at all was heard from it for so long. */
export const SILENCE_MS = 100

/**
 * The circuit breaker of one master: while the master is known not to answer, calls fail at once.
 *
 * It opens when the connection fails, when the master says that it serves nobody, and when a call has timed out while nothing
 * was heard. A slow step beside others that are answered does not open it, nor does an answer that is an error. While it is open,
 * one call every half second goes through as a probe; its success closes the circuit. All on the monotonic clock.
 *
 * Written here since the libraries that were looked at go by `Date.now()`, or keep the other callers waiting for the probe.
 */
export class Circuit {
  readonly #node: string
  #cause: unknown
  #nextProbeAt = 0
  #unanswered = 0
  #connection = 0
  #quietSince = 0

  constructor(node: string) {
    this.#node = node
  }

  get isOpen(): boolean {
    return this.#cause !== undefined
  }

  /** Why a call must not be sent now, or undefined when it may: then, on an open circuit, it is the probe. */
  refusal(): AdapterUnavailableError | undefined {
    if (this.#cause === undefined) return undefined
    const now = performance.now()
    if (now < this.#nextProbeAt) return this.#refused(this.#cause, Math.ceil(this.#nextProbeAt - now))
    this.#nextProbeAt = now + PROBE_EVERY_MS
    announceCircuit({ state: 'half-open', node: this.#node })
    return undefined
  }

  /**
   * Sends something, and learns from how it is answered.
   *
   * @param since When it began, by the monotonic clock
   * @param isOver Whether nobody waits for it any more
   */
  watch<T>(send: () => Promise<T>, since: number, isOver: () => boolean): Promise<T> {
    const connection = this.#connection
    let sent: Promise<T>
    try {
      sent = send()
    } catch (error) {
      return Promise.reject(error) // the client would not send it, which says nothing of the master
    }
    if (this.#unanswered === 0) this.#quietSince = since
    this.#unanswered += 1
    return sent.then(
      (reply) => {
        if (connection === this.#connection) this.#answered(isOver())
        return reply
      },
      (error: unknown) => {
        if (connection === this.#connection) this.#ended(error, isOver())
        throw error
      },
    )
  }

  /** The connection is a new one: of what was sent on the old one, some answers will never come. */
  reset(): void {
    this.#connection += 1
    this.#unanswered = 0
    this.#close()
  }

  timedOut(error: unknown): void {
    if (this.#unanswered > 0 && performance.now() - this.#quietSince >= SILENCE_MS) this.#open(error)
  }

  #open(cause: unknown): void {
    const wasClosed = this.#cause === undefined
    this.#cause = cause
    if (!wasClosed) return
    this.#nextProbeAt = performance.now() + PROBE_EVERY_MS
    announceCircuit({ state: 'open', node: this.#node, cause })
  }

  #answered(late: boolean): void {
    this.#unanswered -= 1
    if (this.#unanswered > 0) this.#quietSince = performance.now()
    if (this.#cause === undefined) return
    if (late) this.#nextProbeAt = 0
    else this.#close()
  }

  #ended(error: unknown, late: boolean): void {
    if (isAnswer(error)) return this.#answered(late)
    this.#unanswered -= 1
    this.#open(error)
  }

  #close(): void {
    if (this.#cause === undefined) return
    this.#cause = undefined
    announceCircuit({ state: 'closed', node: this.#node })
  }

  #refused(cause: unknown, retryAfterMs: number): AdapterUnavailableError {
    const where = this.#node === '' ? 'Redis' : `Redis at ${this.#node}`
    return new AdapterUnavailableError(
      `${where} does not answer, the circuit is open; the next call that is let through is in ${retryAfterMs} ms`,
      { cause, retryAfterMs },
    )
  }
}
