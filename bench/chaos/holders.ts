import type { Holding, Said } from './app/said.ts'
import { PAIR, SLOTS } from './app/setup.ts'
import { groupBy } from './group-by.ts'
import type { History } from './history.ts'

const MOST = { lock: 1, pair: PAIR, slot: SLOTS } as const

interface Hold extends Holding {
  readonly member: number
  readonly from: number
  /** Until when it was surely held. */
  to: number
}

/** Who held what, and when. */
export interface Holders {
  hear(member: number, said: Said): void
  /** Never more at once than may; fences grow. Forgets what it has looked at. */
  check(): void
}

export function createHolders(history: History): Holders {
  const holds = new Map<string, Hold>()

  /** What began before another had ended, and is held then. */
  function meeting(hold: Hold, earlier: readonly Hold[]): Hold[] {
    return earlier.filter((each) => each.to > hold.from)
  }

  function isExcused(all: readonly Hold[], hold: Hold): boolean {
    const from = Math.min(...all.map((each) => each.from))
    if (history.isLost({ from, to: hold.from })) return true
    // A slot has nothing to look at: who was stopped for a lease does not know that it is over.
    return hold.kind === 'slot' && all.some(({ member, from }) => history.isHeldUp(member, { from, to: hold.from }))
  }

  function checkSubject(all: readonly Hold[]): void {
    let last: Hold | undefined
    for (const [index, hold] of all.entries()) {
      const { kind, key, fence, from } = hold
      const others = meeting(hold, all.slice(0, index))
      if (others.length >= MOST[kind] && !isExcused([...others, hold], hold)) {
        const who = [...others, hold].map(({ member, fence, from, to }) => `process ${member} by ${fence} ${from}-${to}`)
        history.breach('never more holders than may', `${kind} ${key}: ${who.join(', ')}`)
      }
      if (kind === 'lock' && last !== undefined && fence <= last.fence) {
        history.breach('fences grow', `${key}: ${fence} after ${last.fence}, at ${from}`)
      }
      last = hold
    }
  }

  return {
    hear(member, said) {
      if (said.type === 'took') holds.set(said.id, { ...said.holding, member, from: said.at, to: said.at })
      const hold = said.type === 'left' ? holds.get(said.id) : undefined
      if (said.type === 'left' && hold !== undefined) hold.to = said.at
    },

    check() {
      const bySubject = groupBy(holds.values(), ({ kind, key }) => `${kind} ${key}`)
      for (const all of bySubject.values()) checkSubject([...all].sort((a, b) => a.from - b.from))
      holds.clear()
    },
  }
}
