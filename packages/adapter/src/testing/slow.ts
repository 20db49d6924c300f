import type { Adapter, CallOptions } from '../adapter.ts'
import { AdapterTimeoutError } from '../errors.ts'
import { intercepted } from './intercepted.ts'

/**
 * An adapter that takes `delayMs` longer, in real time, and keeps to its deadlines: a call whose timeout is shorter than the
 * delay rejects with an `AdapterTimeoutError` when it is over, and does not run.
 *
 * @param timeoutMs The timeout of calls that bring none of their own. Defaults to 500.
 */
export function slow(adapter: Adapter, delayMs: number, { timeoutMs = 500 }: { timeoutMs?: number } = {}): Adapter {
  return intercepted(adapter, async (name, options, call) => {
    const limitMs = options?.timeoutMs ?? timeoutMs
    await passed(Math.min(delayMs, limitMs), options)
    if (delayMs > limitMs) throw new AdapterTimeoutError(`slow() kept ${name} for longer than ${limitMs} ms`)
    return call()
  })
}

function passed(ms: number, options: CallOptions | undefined): Promise<void> {
  const signal = options?.signal
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    }, ms)
    function onAbort(): void {
      clearTimeout(timer)
      reject(signal?.reason)
    }
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}
