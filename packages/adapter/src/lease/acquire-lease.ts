import type { Adapter } from '../adapter.ts'
import { checkedWhole, checkSignal } from '../checks.ts'
import { isAdapterError, isClosedError, mayHaveRun } from '../errors.ts'
import { type AcquireResult, acquire, OFTEN_MS } from './acquire.ts'
import { type Alarms, waitingAlarms } from './alarms.ts'
import { inboxOf } from './inbox.ts'
import { ALIVE_MS } from './permits.ts'
import { release } from './release.ts'
import { returnsOf } from './returns.ts'
import { newToken } from './token.ts'

export interface AcquireLeaseOptions {
  /** How long the lease lasts, if nobody renews it. */
  readonly leaseMs: number
  /** How many may hold a lease of this key at once. Defaults to 1: a lock. */
  readonly permits?: number
  /** How long to wait in line. Defaults to 0: not at all. `Infinity` waits until it is held, or `signal` is aborted. */
  readonly waitMs?: number
  /** Ends the wait; the place in line is given back. */
  readonly signal?: AbortSignal | undefined
  /** The clock of the wait, for tests. Defaults to the monotonic one. */
  readonly alarms?: Alarms
}

/** A lease that was taken. Keep it alive by `startHeartbeat` and `extend`, give it back by `release`. */
export interface Lease {
  readonly token: string
  /** Greater than that of any lease of this key before. */
  readonly fence: number
  /** When the call that took it was sent, by `performance.now()`: the lease lasts from then on at the least. */
  readonly since: number
}

/** A lease; or none within `waitMs`, and in how many milliseconds the next one ends, if it is neither renewed nor given back. */
export type LeaseAnswer =
  | { readonly state: 'held'; readonly lease: Lease }
  | { readonly state: 'busy'; readonly retryInMs: number }

/**
 * Takes a lease: at once where one is left, else first come, first served, woken by whoever gives one back.
 *
 * One command where nobody is in the way. A waiter sends at most one a second of its own accord. While it waits, an AdapterError is
 * no end of it: it asks again for as long as its place in line may stand, 5 s. Its token makes that safe. An adapter
 * that was closed ends it at once.
 *
 * @returns The lease, or undefined when there was none within `waitMs`
 * @throws {AdapterError} when the adapter fails at the first call, or for 5 s while it waits
 * @throws {RangeError | TypeError} when an option is out of range
 * @throws The signal's reason when it is aborted
 */
export async function acquireLease(adapter: Adapter, key: string, options: AcquireLeaseOptions): Promise<Lease | undefined> {
  const answer = await askForLease(adapter, key, options)
  return answer.state === 'held' ? answer.lease : undefined
}

/** As `acquireLease`; where there is none, it says when to ask again. */
export async function askForLease(
  adapter: Adapter,
  key: string,
  { leaseMs, permits = 1, waitMs = 0, signal, alarms = waitingAlarms }: AcquireLeaseOptions,
): Promise<LeaseAnswer> {
  checkedWhole('leaseMs', leaseMs, 1)
  checkedWhole('permits', permits, 1)
  if (!(waitMs >= 0)) throw new RangeError(`waitMs must be at least 0 milliseconds, got ${String(waitMs)}`)
  checkSignal(signal)
  signal?.throwIfAborted()
  const { now } = alarms
  const token = newToken()
  const inbox = inboxOf(adapter)
  const listening = inbox.listen(token)
  const giveUpAt = now() + waitMs
  let seenAt = Number.NEGATIVE_INFINITY
  let isUnsure = false

  async function ask(wait: boolean): Promise<AcquireResult> {
    try {
      // Not by the signal: a step that was sent may have taken the lease, and then it has to be given back.
      const asked = await adapter.run(acquire, key, { token, leaseMs, permits, wait, address: inbox.address })
      seenAt = now()
      return asked
    } catch (error) {
      if (isClosedError(error)) throw error
      isUnsure ||= mayHaveRun(error)
      if (isAdapterError(error) && now() - seenAt <= ALIVE_MS) return { state: 'waiting', retryInMs: OFTEN_MS }
      if (isUnsure || seenAt > Number.NEGATIVE_INFINITY) returnsOf(adapter).owe(giveBack, leaseMs)
      throw error
    }
  }

  /** Its lease, or its place in line; either ends by itself as well. */
  function giveBack(): Promise<boolean> {
    return adapter.run(release, key, { token })
  }

  let retryInMs = 0
  try {
    for (;;) {
      const since = now()
      const wait = since < giveUpAt
      const asked = await ask(wait)
      if (signal?.aborted) break
      if (asked.state === 'held') {
        if (now() - since >= leaseMs) continue // the lease is over already, or is another's
        return { state: 'held', lease: { token, fence: asked.fence, since } }
      }
      retryInMs = asked.retryInMs
      if (!wait) break
      await listening.wait(Math.min(retryInMs, giveUpAt - now()), { signal, alarms })
      if (signal?.aborted) break
    }
  } finally {
    listening.stop()
  }
  if (isUnsure) returnsOf(adapter).owe(giveBack, leaseMs)
  else if (waitMs > 0 || signal?.aborted) await giveBack().catch(() => returnsOf(adapter).owe(giveBack, leaseMs))
  signal?.throwIfAborted()
  return { state: 'busy', retryInMs }
}
