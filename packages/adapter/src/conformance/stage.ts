import { randomUUID } from 'node:crypto'
import type { Adapter } from '../adapter.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import type { ContractCase, MakeAdapter } from './contract.ts'

/** What a case of the contract works with. */
export interface Stage {
  readonly adapter: Adapter
  /** A key, or a channel, that nobody else uses. */
  own(name: string): string
  /** Lets time pass: the fake clock's, or real time where the adapter does not follow the fake clock. */
  pass(ms: number): Promise<void>
  /** Whether the adapter follows the fake clock, so that a deadline can be met to the millisecond. */
  readonly exact: boolean
  onEnd(end: () => Promise<void>): void
}

export const START: number = Date.UTC(2024, 1, 29)

/** A case that makes an adapter, works with it and closes it, whatever happens. */
export function caseOf(makeAdapter: MakeAdapter, name: string, work: (stage: Stage) => Promise<void>): ContractCase {
  return {
    name,
    async run() {
      const clock = fakeClock(START)
      const adapter = await makeAdapter(clock.now)
      const exact = adapter.now() === clock.now()
      const ends: (() => Promise<void>)[] = [() => adapter.close()]
      const id = randomUUID()
      try {
        await work({
          adapter,
          own: (part) => `${part}-${id}`,
          pass: async (ms) => (exact ? clock.advance(ms) : realTime(ms + MARGIN_MS)),
          exact,
          onEnd: (end) => void ends.unshift(end),
        })
      } finally {
        for (const end of ends) await end()
      }
    },
  }
}

/** Real clocks are not read at the same moment, and timers may be early. */
const MARGIN_MS = 20

function realTime(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
