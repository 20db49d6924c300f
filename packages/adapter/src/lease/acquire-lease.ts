import type { Adapter } from '../adapter.ts'
import { acquire } from './acquire.ts'
import { inboxOf } from './inbox.ts'
import { release } from './release.ts'
import { newToken } from './token.ts'

export interface AcquireLeaseOptions {
  /** How long the lease lasts, if nobody renews it. */
  readonly leaseMs: number
  /** How many may hold a lease of this key at once. Defaults to 1: a lock. */
  readonly permits?: number
  /** How long to wait in line. Defaults to 0: not at all. `Infinity` waits until it is held, or `signal` is aborted. */
  readonly waitMs?: number
  readonly signal?: AbortSignal | undefined
}

/** A lease that was taken. Keep it alive by `startHeartbeat` and `extend`, give it back by `release`. */
export interface Lease {
  readonly token: string
  /** Greater than that of any lease of this key before. */
  readonly fence: number
  /** When the call that took it was sent, by `performance.now()`: the lease lasts from then on at the least. */
  readonly since: number
}

/**
 * Takes a lease: at once where one is left, else first come, first served, woken by whoever gives one back.
 *
 * One command where nobody is in the way. A waiter sends at most one a second.
 *
 * @returns The lease, or undefined when there was none within `waitMs`
 * @throws The signal's reason when it is aborted; an AdapterError when the adapter fails
 */
export async function acquireLease(
  adapter: Adapter,
  key: string,
  { leaseMs, permits = 1, waitMs = 0, signal }: AcquireLeaseOptions,
): Promise<Lease | undefined> {
  signal?.throwIfAborted()
  const token = newToken()
  const inbox = inboxOf(adapter)
  const listening = inbox.listen(token)
  const giveUpAt = performance.now() + waitMs
  try {
    for (;;) {
      const since = performance.now()
      const wait = since < giveUpAt
      // Not by the signal: a step that was sent may have taken the lease, and then it has to be given back.
      const asked = await adapter.run(acquire, key, { token, leaseMs, permits, wait, address: inbox.address })
      if (signal?.aborted) break
      if (asked.state === 'held') return { token, fence: asked.fence, since }
      if (!wait) break
      await listening.wait(Math.min(asked.retryInMs, giveUpAt - performance.now()), { signal })
      if (signal?.aborted) break
    }
  } finally {
    listening.stop()
  }
  if (waitMs > 0 || signal?.aborted) await adapter.run(release, key, { token }).catch(() => {}) // its place ends by itself as well
  signal?.throwIfAborted()
  return undefined
}
