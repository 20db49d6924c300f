import { AdapterTimeoutError } from '../errors.ts'
import { type AdapterCall, described } from '../trace.ts'
import type { Circuit } from './circuit.ts'
import { type Deadline, Deadlines } from './deadlines.ts'

/** One call that waits for Redis. */
export interface Waiting {
  /** When it began, by the monotonic clock. */
  readonly since: number
  /** Whether nobody waits for it any more: then nothing further is sent for it. */
  readonly over: boolean
  /** Whether something of it was sent, so that it may have run. */
  sent: boolean
  /** The circuits that let it pass. */
  readonly circuits: Circuit[]
}

/** What the adapter makes of how its calls end. */
export interface Outcome {
  succeeded(): void
  /** @returns What the caller gets to see */
  failed(error: unknown, call: AdapterCall, timeoutMs: number): unknown
}

/** Starts a call and waits for it until its deadline, on the real monotonic clock. */
export type WithDeadline = <T>(
  call: AdapterCall,
  timeoutMs: number,
  signal: AbortSignal | undefined,
  start: (waiting: Waiting) => Promise<T>,
) => Promise<T>

export function createWithDeadline(outcome: Outcome): WithDeadline {
  const byTimeout = new Map<number, Deadlines>()

  function deadlinesOf(timeoutMs: number): Deadlines {
    const known = byTimeout.get(timeoutMs)
    if (known !== undefined) return known
    const created = new Deadlines(timeoutMs)
    byTimeout.set(timeoutMs, created)
    return created
  }

  return (call, timeoutMs, signal, start) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const since = performance.now()
      const waiting: Deadline & Waiting & { over: boolean } = {
        since,
        over: false,
        sent: false,
        circuits: [],
        at: since + timeoutMs,
        expire() {
          const what = waiting.sent ? 'it may have run' : 'it was not sent'
          const error = new AdapterTimeoutError(`Redis did not answer ${described(call)} within ${timeoutMs} ms; ${what}`)
          for (const circuit of waiting.circuits) circuit.timedOut(error)
          fail(error)
        },
      }
      function end(): void {
        waiting.over = true
        signal?.removeEventListener('abort', onAbort)
      }
      function fail(error: unknown): void {
        if (waiting.over) return
        end()
        reject(outcome.failed(error, call, timeoutMs))
      }
      function onAbort(): void {
        end()
        reject(signal?.reason)
      }
      signal?.addEventListener('abort', onAbort)
      deadlinesOf(timeoutMs).add(waiting)
      start(waiting).then((result) => {
        if (waiting.over) return
        end()
        outcome.succeeded()
        resolve(result)
      }, fail)
    })
}
