import { randomInt } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import type { Adapter } from '@holdfast/adapter'
import { type Cache, createCache } from '@holdfast/cache'
import { createLocks, type Lock, type Locks } from '@holdfast/lock'
import { createResponseCache, type ResponseCache } from '@holdfast/response-cache'
import { LEASE_MS, LIMIT, LONG_KEY, LONG_MS, PAIR, type Setup, SLOTS, WINDOW_MS } from './setup.ts'
import { type Copy, copyOf, type Payment, pay, workOn } from './work.ts'

/** What both frameworks serve. */
export interface Site {
  readonly adapter: Adapter
  readonly pages: ResponseCache
  readonly lockName: string
  /** Under a lock, and under a semaphore. */
  underLock(key: string): Promise<void>
  inPair(key: string): Promise<void>
  workUnder(lock: Lock | undefined): Promise<void>
  inSlot(key: string, source: string | undefined): Promise<{ readonly source: string | undefined }>
  paid(payment: Payment): Promise<Payment>
  page(id: string): Promise<Copy>
  value(id: string): Promise<Copy>
  purgePage(id: string): Promise<void>
  purgeValue(id: string): Promise<void>
  /** What a request of a session does between reading and writing. */
  think(): Promise<void>
}

export const WAIT_MS = 1_500
/** Of the policies of `limiters`, by which paths name them. */
export const ALGORITHMS = ['sliding-window-log', 'sliding-window-counter', 'fixed-window', 'token-bucket'] as const
export const QUOTA = { limit: LIMIT, windowMs: WINDOW_MS }
/** Of what stands in front of everything, and is never reached. */
export const FLOOD = { name: 'all', limit: 1_000_000, windowMs: 60_000, algorithm: 'token-bucket', key: () => 'all' } as const
export const CONCURRENCY = { algorithm: 'concurrency', limit: SLOTS, leaseMs: LEASE_MS } as const
export const FRESH_MS = 600_000

export function siteOf(adapter: Adapter, { originUrl }: Setup): Site {
  const lockName = 'work'
  const locks: Locks = createLocks({ adapter, name: lockName, leaseMs: LEASE_MS })
  const values: Cache = createCache({ adapter, name: 'values', ttlMs: FRESH_MS, loadLeaseMs: LEASE_MS })
  const pages = createResponseCache({ adapter, name: 'pages', loadLeaseMs: LEASE_MS })
  const briefly = () => randomInt(5, 100)

  function workUnder(kind: 'lock' | 'pair', lock: Lock): Promise<void> {
    return workOn({ kind, key: lock.key, fence: lock.fence }, lock.key === LONG_KEY ? LONG_MS : briefly(), lock.isHeld)
  }

  return {
    adapter,
    pages,
    lockName,
    underLock: (key) => locks.withLock(key, (lock) => workUnder('lock', lock), { waitMs: WAIT_MS }),
    inPair: (key) => locks.semaphore(key, PAIR).withLock((lock) => workUnder('pair', lock), { waitMs: WAIT_MS }),
    async workUnder(lock) {
      if (lock !== undefined) await workUnder('lock', lock)
    },
    async inSlot(key, source) {
      const counted = source === 'adapter' ? key : `${key} of ${process.pid}` // a process that counts alone
      await workOn({ kind: 'slot', key: counted, fence: 0 }, briefly(), () => true)
      return { source }
    },
    paid: (payment) => pay(payment, briefly()),
    page: (id) => copyOf(originUrl, id, briefly()),
    value: (id) => values.getOrSet(id, () => copyOf(originUrl, id, briefly()), { tags: [`value:${id}`] }),
    purgePage: (id) => pages.invalidateTags([`page:${id}`]),
    purgeValue: (id) => values.invalidateTags([`value:${id}`]),
    think: () => pause(briefly()),
  }
}
