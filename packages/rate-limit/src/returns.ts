import { type Adapter, type CallOptions, isClosedError } from '@holdfast/adapter'
import type { ConsumeArgs } from './operations/consume.ts'
import { settle } from './operations/settle.ts'

/** What a call of a limiter has taken, or may have taken. */
export interface Taken {
  readonly adapter: Adapter
  readonly subject: string
  readonly args: ConsumeArgs
}

/** Gives back what concurrency policies gave, where a call failed: whether Redis has run it is not known. */
export interface Returns {
  /** Tries until it is given back, or its lease is over. It does not keep the process alive. */
  owe(taken: Taken): void
}

interface Debt {
  readonly taken: Taken
  readonly until: number
  isTried: boolean
}

/** As often as the adapter asks a Redis that does not answer whether it does again, or less. */
const LONGEST_PAUSE_MS = 1_000

/** Of more at one time, the first are left to their leases. */
const MOST_DEBTS = 10_000

export function createReturns(channel: string, leaseMs: number, call: CallOptions): Returns {
  const debts = new Set<Debt>()
  const pauseMs = Math.min(LONGEST_PAUSE_MS, Math.max(1, Math.floor(leaseMs / 10)))
  let timer: NodeJS.Timeout | undefined

  async function giveBack(debt: Debt): Promise<void> {
    const { adapter, subject, args } = debt.taken
    const { policies, costs, token, keepMs } = args
    const units = policies.map(({ algorithm }, index) => (algorithm === 'concurrency' ? -(costs[index] ?? 1) : 0))
    const charged = policies.map(() => ({ at: 0, mark: 0 })) // which concurrency policies don't ask for
    debt.isTried = true
    try {
      await adapter.run(settle, subject, { policies, charged, units, token, channel, message: subject, keepMs }, call)
      debts.delete(debt)
    } catch (error) {
      if (isClosedError(error)) debts.delete(debt)
      debt.isTried = false
    }
  }

  function tryAll(): void {
    const now = performance.now()
    for (const debt of debts) {
      if (debt.until <= now) debts.delete(debt)
      else if (!debt.isTried) void giveBack(debt)
    }
    if (debts.size > 0) return
    clearInterval(timer)
    timer = undefined
  }

  return {
    owe(taken) {
      const debt: Debt = { taken, until: performance.now() + leaseMs, isTried: false }
      const [first] = debts
      if (first !== undefined && debts.size >= MOST_DEBTS) debts.delete(first)
      debts.add(debt)
      timer ??= setInterval(tryAll, pauseMs).unref()
      void giveBack(debt)
    },
  }
}
