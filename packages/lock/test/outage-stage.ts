import { redisAdapter } from '@holdfast/adapter/redis'
import { createLocks, type Lock, type Locks } from '@holdfast/lock'
import { ownPrefix } from '@holdfast/test/redis'
import { afterEach, expect } from '@jest/globals'

export const TYPED: unknown = expect.stringMatching(/^ERR_HOLDFAST_ADAPTER_(TIMEOUT|UNAVAILABLE)$/)

/** A busy machine is no outage. */
export const TIMEOUT_MS = 500

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

/** Does something after the test, whatever becomes of it: what was begun last ends first. */
export function atEnd(end: () => unknown): void {
  ends.push(end)
}

export function locksOn(url: string, leaseMs = 60_000): Locks {
  const adapter = redisAdapter({ url, prefix: ownPrefix(), timeoutMs: TIMEOUT_MS })
  atEnd(() => adapter.close())
  return createLocks({ adapter, leaseMs })
}

/** Takes a lock as soon as that goes. Every failure on the way is one that says what it is, and comes in time. */
export async function acquiredAtLast(locks: Locks, key: string, withinMs = 8_000): Promise<Lock> {
  for (const end = performance.now() + withinMs; performance.now() < end; await new Promise(setImmediate)) {
    const started = performance.now()
    const taken = await locks.tryAcquire(key).catch((error: unknown) => {
      expect(error).toMatchObject({ code: TYPED })
      expect(performance.now() - started).toBeLessThan(TIMEOUT_MS + 500)
    })
    if (taken !== undefined) return taken
  }
  throw new Error(`"${key}" was not free within ${withinMs} ms`)
}
