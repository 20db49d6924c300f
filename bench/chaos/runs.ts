import type { Said } from './app/said.ts'
import { LEASE_MS } from './app/setup.ts'
import type { History } from './history.ts'

/** A payment that was made. */
interface Run {
  readonly member: number
  readonly fence: number
  readonly at: number
  /** When its handler was done; while that is not known, when it began. */
  endedAt: number
  /** When what came of it could not be kept, or was lost. */
  unkeptAt?: number
}

/** What was made for which key. */
export interface Runs {
  hear(member: number, said: Said): void
  /** @param answered By fence, which runs clients have had a response of */
  check(key: string, answered: ReadonlySet<number>): void
  forget(key: string): void
  /** What is known of them. */
  show(key: string): string
}

/** What a renewal leaves of a lease, less what a process takes to find Redis again. */
const KEPT_WITHIN_MS = (LEASE_MS * 2) / 3 - 1_000

export function createRuns(history: History): Runs {
  const byKey = new Map<string, Run[]>()

  /** Why there may be another run after this one. */
  function excuse(run: Run, next: Run, isAnswered: boolean): string | undefined {
    const between = { from: run.at, to: next.at }
    if (history.isLost(between)) return 'Redis lost the record'
    const isStored = isAnswered && run.unkeptAt === undefined
    if (isStored) return undefined
    if (history.isHeldUp(run.member, between)) return 'its process was stopped or killed'
    if (history.outageMs(run.unkeptAt ?? run.endedAt) > KEPT_WITHIN_MS) return 'Redis was away for what was left of its lease'
    return undefined
  }

  return {
    hear(member, said) {
      if (said.type === 'run') {
        const runs = byKey.get(said.key) ?? []
        byKey.set(said.key, runs)
        runs.push({ member, fence: said.fence, at: said.at, endedAt: said.at })
      }
      if (said.type === 'ran') {
        const run = byKey.get(said.key)?.find(({ fence }) => fence === said.fence)
        if (run !== undefined) run.endedAt = said.at
      }
      if (said.type === 'unkept' && (said.call === 'commit' || said.call === 'lost')) {
        const run = byKey
          .get(said.key)
          ?.filter((each) => each.member === member)
          .at(-1)
        if (run !== undefined) run.unkeptAt ??= said.at
      }
    },

    check(key, answered) {
      const runs = [...(byKey.get(key) ?? [])].sort((a, b) => a.at - b.at)
      for (const [index, next] of runs.entries()) {
        const run = runs[index - 1]
        if (run === undefined) continue
        if (next.fence <= run.fence) history.breach('fences grow', `payment ${key}: ${next.fence} after ${run.fence}`)
        if (excuse(run, next, answered.has(run.fence)) !== undefined) continue
        const shown = JSON.stringify(runs.map((each) => ({ ...each, answered: answered.has(each.fence) })))
        history.breach('no second payment', `${key}: ${shown}`)
      }
    },

    forget: (key) => void byKey.delete(key),
    show: (key) => JSON.stringify(byKey.get(key) ?? []),
  }
}
