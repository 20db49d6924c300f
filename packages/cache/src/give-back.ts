import { type Adapter, isAdapterError, isClosedError } from '@holdfast/adapter'
import { settle } from './operations/settle.ts'

export interface GiveBackOptions {
  readonly subject: string
  readonly token: string
  readonly leaseMs: number
  failed(error: unknown): void
}

const FIRST_RETRY_MS = 100
const RARELY_MS = 1_000

/**
 * Ends a lease that nobody loads by: the call that took it, or was to end it, has failed, and may have been done all the same. Others
 * would wait for the rest of it. Asks until it is answered, or the lease is over.
 */
export function giveBack(adapter: Adapter, { subject, token, leaseMs, failed }: GiveBackOptions): void {
  const overAt = performance.now() + leaseMs

  function askIn(ms: number): void {
    if (performance.now() + ms < overAt) setTimeout(() => void ask(ms), ms).unref()
  }

  async function ask(afterMs: number): Promise<void> {
    try {
      await adapter.run(settle, subject, { token, outcome: '', wake: subject })
    } catch (error) {
      if (!isAdapterError(error)) failed(error)
      else if (!isClosedError(error)) askIn(Math.min(RARELY_MS, 2 * afterMs))
    }
  }

  askIn(FIRST_RETRY_MS)
}
