import type { Adapter } from '../adapter.ts'
import { type CallName, intercepted } from './intercepted.ts'

export type Counts = Record<CallName, number>

export interface CountingAdapter extends Adapter {
  /** How many calls there were, by name. */
  readonly counts: Readonly<Counts>
  /** How many calls there were in all. */
  readonly calls: number
  reset(): void
}

/** An adapter that counts the calls made to it. */
export function counting(adapter: Adapter): CountingAdapter {
  const counts = none()
  const counted = intercepted(adapter, (name, _options, call) => {
    counts[name] += 1
    return call()
  })
  return {
    ...counted,
    counts,
    get calls() {
      return Object.values(counts).reduce((sum, count) => sum + count, 0)
    },
    reset: () => {
      Object.assign(counts, none())
    },
  }
}

function none(): Counts {
  return { run: 0, get: 0, getMany: 0, set: 0, delete: 0, publish: 0, subscribe: 0, scan: 0 }
}
