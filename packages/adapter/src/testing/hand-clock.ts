import type { Alarms } from '../lease/alarms.ts'

interface Alarm {
  readonly at: number
  readonly ring: () => void
}

/** A monotonic clock by hand, for what takes `alarms`: leases, heartbeats, waits. */
export interface HandClock extends Alarms {
  /** Lets time pass, and everything that is due happen, in its order. */
  advance(ms: number): Promise<void>
  /** Time passes while the process stands still: nothing rings. */
  skip(ms: number): void
}

/** @param onTick Told of each millisecond that passes: whatever else goes by this clock */
export function handClock(onTick: (ms: number) => void = () => {}): HandClock {
  let time = 1_000
  const alarms = new Set<Alarm>()

  function pass(ms: number): void {
    time += ms
    onTick(ms)
  }

  function nextUntil(end: number): Alarm | undefined {
    const due = [...alarms].filter(({ at }) => at <= end)
    return due.sort((a, b) => a.at - b.at)[0]
  }

  return {
    now: () => time,
    at(moment, ring) {
      const alarm = { at: moment, ring }
      alarms.add(alarm)
      return () => void alarms.delete(alarm)
    },
    async advance(ms) {
      await new Promise(setImmediate) // what was called before gets to where it waits
      const end = time + ms
      for (;;) {
        const next = nextUntil(end)
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
