import type { Adapter } from '../adapter.ts'
import { isAdapterError, isClosedError } from '../errors.ts'
import { perAdapter } from '../per-adapter.ts'

/** What this process has to give back, and could not: the adapter failed, and whether a step has run is not known. */
export interface Returns {
  /**
   * Gives back a lease that nobody uses: at once, and again while that fails with an AdapterError, until it is done or the lease is over.
   * Without it the lease would stand until it ends, as if its holder had died. It does not keep the process alive.
   *
   * @param giveBack Does nothing where the lease is not there, or is another's
   * @param leaseMs How long the lease lasts, from now at the most
   */
  owe(giveBack: () => Promise<unknown>, leaseMs: number): void
}

/** One for each adapter. */
export const returnsOf: (adapter: Adapter) => Returns = perAdapter(createReturns)

interface Debt {
  readonly giveBack: () => Promise<unknown>
  readonly until: number
}

/** Soon after Redis answers again, and often enough for a circuit to let one call through. */
const AGAIN_MS = 250

/** The adapter may fail for some of the keys, and for each call anew. */
const MOST_AT_ONCE = 100

/** Of more at one time, the first are left to their leases. */
const MOST_DEBTS = 10_000

function createReturns(): Returns {
  const debts = new Set<Debt>()
  let isWaiting = false

  /** @returns False when it is still owed */
  async function pay(debt: Debt): Promise<boolean> {
    try {
      await debt.giveBack()
    } catch (error) {
      if (!isAdapterError(error) || isClosedError(error) || performance.now() >= debt.until) return true
      const [first] = debts
      if (first !== undefined && debts.size >= MOST_DEBTS) debts.delete(first)
      debts.add(debt)
      payLater()
      return false
    }
    return true
  }

  function payLater(): void {
    if (isWaiting) return
    isWaiting = true
    setTimeout(() => void payAll(), AGAIN_MS).unref()
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
    owe(giveBack, leaseMs) {
      void pay({ giveBack, until: performance.now() + leaseMs })
    },
  }
}
