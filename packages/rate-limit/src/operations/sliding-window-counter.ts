import { LARGEST_PRODUCT, type Policy } from '../policy.ts'
import type { Algorithm, Quota } from './algorithm.ts'

/** Two windows of the clock, the current one and the one before it. */
interface TwoWindows {
  /** When the current one began: a multiple of `windowMs`. */
  start: number
  previous: number
  current: number
  /** When counting began: what was charged before a reset does not count. */
  since: number
}

const WEIGH = 'p.weighted = p.previous * (p.window - (now - p.start)) + p.current * p.window'
const MOST_UNITS = `math.floor(${LARGEST_PRODUCT} / p.window)`

/**
 * Counts the previous window for the part of it that a window ending now would cover, as if its units had come evenly. In the
 * worst case nearly twice the limit passes in a window. Calculated in units times `windowMs`, in whole numbers.
 */
export const slidingWindowCounter: Algorithm<TwoWindows> = {
  open(windows, { windowMs }, now) {
    if (windows === undefined) return undefined
    const start = now - (now % windowMs)
    const { previous, current, since } = windows
    // A clock that stepped back is elsewhere in its window: what is weighed by that would be given back.
    if (windows.start > start) return { start, previous: 0, current: Math.min(previous + current, mostUnits(windowMs)), since }
    if (windows.start === start) return { start, previous, current, since }
    if (windows.start < start - windowMs || current === 0) return undefined
    return { start, previous: current, current: 0, since }
  },

  wait(windows, policy, cost, now) {
    if (cost > policy.limit) return -1
    return windows === undefined ? 0 : untilThere(cost, windows, policy, now)
  },

  measure(windows, policy, now): Quota {
    const { limit, windowMs } = policy
    if (windows === undefined) return { remaining: limit, nextMs: 0, fullMs: 0, mark: 0 }
    const remaining = Math.max(0, Math.floor((limit * windowMs - usedOf(windows, policy, now)) / windowMs))
    if (limit === 0) return { remaining, nextMs: 0, fullMs: 0, mark: windows.since }
    const nextMs = untilThere(remaining + 1, windows, policy, now)
    return { remaining, nextMs, fullMs: untilThere(limit, windows, policy, now), mark: windows.since }
  },

  charge(windows, { windowMs }, cost, now) {
    const { start = now - (now % windowMs), previous = 0, current = 0, since = now } = windows ?? {}
    return { start, previous, current: Math.min(current + cost, mostUnits(windowMs)), since }
  },

  settle(windows, { windowMs }, { at, mark, units }) {
    if (windows === undefined || mark !== windows.since || at < windows.start - windowMs) return undefined
    const counter = at < windows.start ? 'previous' : 'current'
    windows[counter] = Math.max(0, Math.min(windows[counter] + units, mostUnits(windowMs)))
    return windows.previous === 0 && windows.current === 0 ? null : windows
  },

  ttlMs: ({ start, current }, { windowMs }, now) => start + (current > 0 ? 2 : 1) * windowMs - now,

  isAhead: ({ start }, { windowMs }, now) => start > now - (now % windowMs),

  lua: {
    open: `
      local start, kept, previous, current, age = now - now % p.window, nil, 0, 0, 0
      if numbers then kept, previous, current, age = cmsgpack.unpack(numbers) end
      p.start, p.previous, p.current, p.epoch = start, 0, 0, 0
      if kept and kept > start then
        p.current, ahead = math.min(previous + current, ${MOST_UNITS}), true
      elseif kept == start then
        p.previous, p.current = previous, current
      elseif kept == start - p.window then
        p.previous = current
      end
      if p.previous > 0 or p.current > 0 then p.epoch = kept - (age or 0) end
      ${WEIGH}
    `,
    wait: `
      if p.cost > p.limit then wait = -1 else ${untilThereLua('wait', 'p.cost')} end
    `,
    measure: `
      remaining = math.max(0, math.floor((p.limit * p.window - p.weighted) / p.window))
      if p.weighted > 0 and p.limit > 0 then
        ${untilThereLua('next', 'remaining + 1')}
        ${untilThereLua('full', 'p.limit')}
      end
    `,
    charge: `
      if p.previous == 0 and p.current == 0 then p.epoch = now end
      p.current = math.min(p.current + p.cost, ${MOST_UNITS})
      ${WEIGH}
    `,
    settle: `
      done = (p.previous > 0 or p.current > 0) and p.mark == p.epoch and p.at >= p.start - p.window
      if done and p.at < p.start then
        p.previous = math.max(0, math.min(p.previous + p.cost, ${MOST_UNITS}))
      elseif done then
        p.current = math.max(0, math.min(p.current + p.cost, ${MOST_UNITS}))
      end
      if p.previous == 0 and p.current == 0 then p.epoch = 0 end
      ${WEIGH}
    `,
    save: `
      if p.current > 0 then
        lasts, numbers = p.start + 2 * p.window - now, cmsgpack.pack(p.start, p.previous, p.current, p.start - p.epoch)
      elseif p.previous > 0 then
        lasts, numbers = p.start + p.window - now, cmsgpack.pack(p.start, p.previous, 0, p.start - p.epoch)
      end
    `,
  },
}

/** What counts of both windows, in units times `windowMs`. */
function usedOf({ start, previous, current }: TwoWindows, { windowMs }: Policy, now: number): number {
  return previous * (windowMs - (now - start)) + current * windowMs
}

/** Until so many units are available. */
function untilThere(units: number, windows: TwoWindows, policy: Policy, now: number): number {
  const { limit, windowMs } = policy
  const { start, previous, current } = windows
  const most = (limit - units) * windowMs
  if (usedOf(windows, policy, now) <= most) return 0
  const over = current * windowMs - most
  if (over > 0) return start + windowMs + Math.ceil(over / current) - now
  return start + Math.ceil((previous * windowMs + over) / previous) - now
}

/** What a window counts at most, so that two of them are calculated exactly. */
function mostUnits(windowMs: number): number {
  return Math.floor(LARGEST_PRODUCT / windowMs)
}

function untilThereLua(result: string, units: string): string {
  return `
    do
      local most = (p.limit - (${units})) * p.window
      local over = p.current * p.window - most
      if p.weighted <= most then
        ${result} = 0
      elseif over > 0 then
        ${result} = p.start + p.window + math.ceil(over / p.current) - now
      else
        ${result} = p.start + math.ceil((p.previous * p.window + over) / p.previous) - now
      end
    end
  `
}
