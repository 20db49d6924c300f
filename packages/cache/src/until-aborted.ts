import { checkSignal } from '@holdfast/adapter/options'

/**
 * What `ask` gives, unless the signal is aborted before: what was asked for goes on then, and its end is nobody's concern here.
 *
 * @throws {TypeError} when it is no signal
 * @throws The signal's reason, when it is aborted
 */
export async function untilAborted<T>(signal: AbortSignal, ask: () => Promise<T>): Promise<T> {
  checkSignal(signal)
  signal.throwIfAborted()
  let end: () => void = () => {}
  const aborted = new Promise<never>((_resolve, reject) => {
    end = () => reject(signal.reason)
  })
  signal.addEventListener('abort', end)
  try {
    return await Promise.race([ask(), aborted])
  } finally {
    signal.removeEventListener('abort', end)
  }
}
