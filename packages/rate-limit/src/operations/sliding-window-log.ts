import type { Algorithm, Quota } from './algorithm.ts'
import { slidingWindowLogLua } from './sliding-window-log-lua.ts'

/**
 * The hits that may still count, oldest first. `totals[i]` is what was charged up to and with hit `i`, so that the units of any
 * run of hits are one subtraction, and when enough of them end is a binary search. Hits before `head` are over; they add up to `base`.
 */
interface HitLog {
  times: number[]
  totals: number[]
  head: number
  base: number
  /** How often the clock was set back meanwhile: hits that were moved by it are not found again. */
  epoch: number
}

/** One entry per millisecond with a hit. Never more than the limit passes in any window. */
export const slidingWindowLog: Algorithm<HitLog> = {
  open(log, { windowMs }, now) {
    if (log === undefined || lastOf(log.times) + windowMs <= now) return undefined
    const isAhead = lastOf(log.times) > now
    const times = isAhead ? log.times.map((time) => Math.min(time, now)) : log.times
    const { totals } = log
    const epoch = isAhead ? log.epoch + 1 : log.epoch
    const head = search({ ...log, times }, (time) => time + windowMs > now)
    // A log of its own: a call that charges nothing leaves the state as it is, for a clock that steps back.
    return { times, totals, head, base: totals[head - 1] ?? log.base, epoch }
  },

  wait(log, { limit, windowMs }, cost, now) {
    if (cost > limit) return -1
    return log === undefined || usedOf(log) + cost <= limit ? 0 : untilLeft(log, limit - cost, windowMs, now)
  },

  measure(log, { limit, windowMs }, now): Quota {
    if (log === undefined) return { remaining: limit, nextMs: 0, fullMs: 0, mark: 0 }
    const { times, head, epoch } = log
    const used = usedOf(log)
    const remaining = Math.max(0, limit - used)
    if (used === 0 || limit === 0) return { remaining, nextMs: 0, fullMs: 0, mark: epoch }
    const nextMs = used <= limit ? (times[head] ?? now) + windowMs - now : untilLeft(log, limit - 1, windowMs, now)
    return { remaining, nextMs, fullMs: lastOf(times) + windowMs - now, mark: epoch }
  },

  charge(log, _policy, cost, now) {
    if (log === undefined) return { times: [now], totals: [cost], head: 0, base: 0, epoch: 0 }
    const isFull = lastOf(log.totals) + cost > Number.MAX_SAFE_INTEGER
    if (isFull || (log.head >= 32 && log.head * 2 >= log.times.length)) drop(log)
    const total = Math.min(lastOf(log.totals) + cost, Number.MAX_SAFE_INTEGER)
    if (lastOf(log.times) === now) {
      log.totals[log.totals.length - 1] = total
      return log
    }
    log.times.push(now)
    log.totals.push(total)
    return log
  },

  settle(log, _policy, { at, mark, units }) {
    if (log === undefined || mark !== log.epoch) return undefined
    let hit = search(log, (time) => time > at) - 1
    if (hit < log.head || log.times[hit] !== at) return undefined
    if (lastOf(log.totals) + units > Number.MAX_SAFE_INTEGER) {
      hit -= log.head
      drop(log)
    }
    change(log, hit, Math.min(units, Number.MAX_SAFE_INTEGER - lastOf(log.totals)))
    return log.times.length === log.head ? null : log
  },

  ttlMs: ({ times }, { windowMs }, now) => lastOf(times) + windowMs - now,

  isAhead: ({ times }, _policy, now) => lastOf(times) > now,

  hasRing: true,

  lua: slidingWindowLogLua,
}

function usedOf({ totals, base }: HitLog): number {
  return lastOf(totals) - base
}

/** Until no more than `left` units count. */
function untilLeft(log: HitLog, left: number, windowMs: number, now: number): number {
  const total = lastOf(log.totals)
  return (log.times[search(log, (_time, sum) => total - sum <= left)] ?? now) + windowMs - now
}

/** The first hit from `head` on for which `found` holds; it holds for all that follow it. */
function search(log: HitLog, found: (time: number, total: number) => boolean): number {
  const { times, totals } = log
  let low = log.head
  let high = times.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (found(times[middle] ?? 0, totals[middle] ?? 0)) high = middle
    else low = middle + 1
  }
  return low
}

/** Forgets the hits that are over, and counts from 0 again. */
function drop(log: HitLog): void {
  log.times = log.times.slice(log.head)
  log.totals = log.totals.slice(log.head).map((total) => total - log.base)
  log.head = 0
  log.base = 0
}

/** Gives a hit more units, or takes as many as it has; one without any goes. */
function change({ times, totals, head, base }: HitLog, hit: number, units: number): void {
  const before = hit === head ? base : (totals[hit - 1] ?? 0)
  const by = Math.max(units, before - (totals[hit] ?? 0))
  for (let index = hit; index < totals.length; index += 1) totals[index] = (totals[index] ?? 0) + by
  if (totals[hit] !== before) return
  times.splice(hit, 1)
  totals.splice(hit, 1)
}

function lastOf(numbers: readonly number[]): number {
  return numbers[numbers.length - 1] ?? 0
}
