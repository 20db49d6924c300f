import type { Alarms } from '@holdfast/adapter/lease'

/** A monotonic clock by hand. */
export interface HandClock extends Alarms {
  /** Lets time pass, and everything that is due happen, in its order. */
  advance(ms: number): Promise<void>
  /** Time passes while the process stands still: nothing rings. */
  skip(ms: number): void
}

/** @param onTick Told of each millisecond that passes: whatever else goes by this clock */
export function handClock(onTick: (ms: number) => void = () => {}): HandClock {
  let time = 1_000
  const alarms = new Set<{ at: number; ring: () => void }>()

  function pass(ms: number): void {
    time += ms
    onTick(ms)
  }

  return {
    now: () => time,
    at(moment, ring) {
      const alarm = { at: moment, ring }
      alarms.add(alarm)
      return () => void alarms.delete(alarm)
    },
    async advance(ms) {
      const end = time + ms
      for (;;) {
        const [next] = [...alarms].filter(({ at }) => at <= end).toSorted((a, b) => a.at - b.at)
        if (next === undefined) break
        if (next.at > time) pass(Math.ceil(next.at - time))
        alarms.delete(next)
        next.ring()
        await new Promise(setImmediate)
      }
      if (end > time) pass(end - time)
      await new Promise(setImmediate)
    },
    skip: pass,
  }
}
