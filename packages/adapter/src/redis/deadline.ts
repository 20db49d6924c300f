import { AdapterTimeoutError } from '../errors.ts'
import { type AdapterCall, described } from '../trace.ts'

/** One call that waits for Redis. `over` once nobody waits for it any more: then nothing further is sent for it. */
export interface Waiting {
  readonly over: boolean
}

export interface Outcome {
  succeeded(): void
  /** @returns What the caller gets to see */
  failed(error: unknown, call: AdapterCall): unknown
}

/** Starts a call and waits for it until its deadline, on the real monotonic clock. */
export function withDeadline<T>(
  call: AdapterCall,
  timeoutMs: number,
  signal: AbortSignal | undefined,
  outcome: Outcome,
  start: (waiting: Waiting) => Promise<T>,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const waiting = { over: false }
    const end = (): void => {
      waiting.over = true
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
    }
    const onAbort = (): void => {
      end()
      reject(signal?.reason)
    }
    const timer = setTimeout(() => {
      end()
      const error = new AdapterTimeoutError(`Redis did not answer ${described(call)} within ${timeoutMs} ms; it may have run`)
      reject(outcome.failed(error, call))
    }, timeoutMs)
    signal?.addEventListener('abort', onAbort)
    start(waiting).then(
      (result) => {
        if (waiting.over) return
        end()
        outcome.succeeded()
        resolve(result)
      },
      (error: unknown) => {
        if (waiting.over) return
        end()
        reject(outcome.failed(error, call))
      },
    )
  })
}

/** @throws {RangeError} when it is not a duration that a timer can wait for */
export function checkedTimeout(timeoutMs: number): number {
  if (Number.isInteger(timeoutMs) && timeoutMs >= 1 && timeoutMs <= LONGEST_TIMER) return timeoutMs
  throw new RangeError(`timeoutMs must be a whole number of milliseconds from 1 to ${LONGEST_TIMER}, got ${timeoutMs}`)
}

const LONGEST_TIMER = 2 ** 31 - 1
