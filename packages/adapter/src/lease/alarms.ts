import { Deadlines, type Ending } from '../deadlines.ts'

/** The monotonic clock, and something that rings by it. Tests bring their own. */
export interface Alarms {
  /** Milliseconds of a clock that nobody sets, and that runs on while the process is stopped. */
  readonly now: () => number
  /**
   * Calls `ring` once, when the clock has reached `moment`; never before this call has returned.
   *
   * @returns A function that cancels it
   */
  at(moment: number, ring: () => void): () => void
}

interface Alarm extends Ending {
  readonly ring: () => void
  over: boolean
}

/** One timer for all alarms of these, set to the next of them. */
function createAlarms({ keepAlive }: { readonly keepAlive: boolean }): Alarms {
  const deadlines = new Deadlines<Alarm>()
  let timer: NodeJS.Timeout | undefined
  let setTo = Number.POSITIVE_INFINITY

  function now(): number {
    return performance.now()
  }

  function set(): void {
    const next = deadlines.first()?.due ?? Number.POSITIVE_INFINITY
    if (timer !== undefined && setTo <= next && next !== Number.POSITIVE_INFINITY) return // early: it is set again then
    clearTimeout(timer)
    timer = undefined
    setTo = next
    if (next === Number.POSITIVE_INFINITY) return
    timer = setTimeout(ring, Math.min(LONGEST_TIMER, Math.ceil(next - now())))
    if (!keepAlive) timer.unref()
  }

  function ring(): void {
    timer = undefined
    const time = now()
    for (let alarm = deadlines.next(time); alarm !== undefined; alarm = deadlines.next(time)) {
      cancel(alarm)
      alarm.ring()
    }
    set()
  }

  function cancel(alarm: Alarm): void {
    if (alarm.over) return
    alarm.over = true
    deadlines.remove(alarm)
  }

  return {
    now,
    at(moment, ringOne) {
      const alarm = { ring: ringOne, endsAt: moment, due: moment, at: 0, over: false }
      deadlines.add(alarm)
      set()
      return () => {
        cancel(alarm)
        if (deadlines.first() === undefined) set()
      }
    },
  }
}

/** Those that beat for leases: a lease alone is no reason for a process to live. */
export const heartbeatAlarms: Alarms = createAlarms({ keepAlive: false })

/** Those of calls that wait: somebody awaits their result. */
export const waitingAlarms: Alarms = createAlarms({ keepAlive: true })

const LONGEST_TIMER = 2 ** 31 - 1
