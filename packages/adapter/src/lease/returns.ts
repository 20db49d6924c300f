import type { Adapter } from '../adapter.ts'
import { isAdapterError, isClosedError, isSilence } from '../errors.ts'
import { perAdapter } from '../per-adapter.ts'
import { type Alarms, heartbeatAlarms } from './alarms.ts'

/** What this process has to give back, and could not: the adapter failed, and whether a step has run is not known. */
export interface Returns {
  /**
   * Gives back a lease that nobody uses: at once, again while that fails with an AdapterError, and once more 2 s after it was done: a
   * call that was given up may be sent late, or reach a Redis that stood still after the outage, and take the lease only then. It would
   * stand until it ends, as if its holder had died. It does not keep the process alive.
   *
   * @param giveBack Does nothing where the lease is not there, or is another's
   * @param leaseMs How long the lease lasts: for so long it is tried again once Redis was last silent, and refuses since
   */
  owe(giveBack: () => Promise<unknown>, leaseMs: number): void
}

/** One for each adapter. */
export const returnsOf: (adapter: Adapter) => Returns = perAdapter(() => createReturns())

interface Debt {
  readonly giveBack: () => Promise<unknown>
  readonly leaseMs: number
  /** Until when it is tried again where Redis refuses. While nothing is heard of it, the call that took the lease may not have run yet. */
  readonly until: number
  readonly isLast: boolean
}

/** Soon after Redis answers again, and often enough for a circuit to let one call through. */
const AGAIN_MS = 250

/** For how long clients send again what their callers have given up: ioredis' Cluster by default for 16 times 100 ms. */
const LATE_MS = 2_000

/** The adapter may fail for some of the keys, and for each call anew. */
const MOST_AT_ONCE = 100

/** Of more at one time, the first are left to their leases. */
const MOST_DEBTS = 10_000

/** @param alarms The clock, for tests */
export function createReturns(alarms: Alarms = heartbeatAlarms): Returns {
  const debts = new Set<Debt>()
  let isWaiting = false

  /** @returns False when it is still owed */
  async function pay(debt: Debt): Promise<boolean> {
    const { giveBack, leaseMs, until, isLast } = debt
    try {
      await giveBack()
    } catch (error) {
      if (!isAdapterError(error) || isClosedError(error)) return true
      const now = alarms.now()
      if (isSilence(error)) put({ ...debt, until: now + leaseMs })
      else if (now < until) put(debt)
      else return true
      return false
    }
    if (!isLast) alarms.at(alarms.now() + LATE_MS, () => put({ ...debt, until: alarms.now() + leaseMs, isLast: true }))
    return true
  }

  function put(debt: Debt): void {
    const [first] = debts
    if (first !== undefined && debts.size >= MOST_DEBTS) debts.delete(first)
    debts.add(debt)
    if (isWaiting) return
    isWaiting = true
    alarms.at(alarms.now() + AGAIN_MS, () => void payAll())
  }

  async function payAll(): Promise<void> {
    isWaiting = false
    while (debts.size > 0) {
      const due = [...debts].slice(0, MOST_AT_ONCE)
      for (const debt of due) debts.delete(debt)
      const paid = await Promise.all(due.map(pay))
      if (paid.includes(false)) return
    }
  }

  return {
    owe: (giveBack, leaseMs) => void pay({ giveBack, leaseMs, until: alarms.now() + leaseMs, isLast: false }),
  }
}
