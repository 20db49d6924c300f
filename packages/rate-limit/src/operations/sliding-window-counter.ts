import { LARGEST_PRODUCT } from '../policy.ts'
import type { Algorithm, Quota } from './algorithm.ts'

/** Two windows of the clock, the current one and the one before it. */
interface TwoWindows {
  /** When the current one began: a multiple of `windowMs`. */
  start: number
  previous: number
  current: number
}

/**
 * Counts the previous window for the part of it that a window ending now would cover, as if its units had come evenly. In the
 * worst case nearly twice the limit passes in a window. Calculated in units times `windowMs`, in whole numbers.
 */
export const slidingWindowCounter: Algorithm<TwoWindows> = {
  open(windows, { windowMs }, now) {
    if (windows === undefined) return undefined
    const start = now - (now % windowMs)
    if (windows.start >= start) return { start, previous: windows.previous, current: windows.current }
    if (windows.start < start - windowMs || windows.current === 0) return undefined
    return { start, previous: windows.current, current: 0 }
  },

  measure(windows, { limit, windowMs }, cost, now): Quota {
    const { start = 0, previous = 0, current = 0 } = windows ?? {}
    const used = previous * (windowMs - (now - start)) + current * windowMs
    const remaining = windows === undefined ? limit : Math.max(0, Math.floor((limit * windowMs - used) / windowMs))

    /** Until so many units are available. */
    function until(units: number): number {
      const most = (limit - units) * windowMs
      if (windows === undefined || used <= most) return 0
      const over = current * windowMs - most
      if (over > 0) return start + windowMs + Math.ceil(over / current) - now
      return start + Math.ceil((previous * windowMs + over) / previous) - now
    }

    const counts = windows !== undefined && limit > 0
    return {
      remaining,
      nextMs: counts ? until(remaining + 1) : 0,
      fullMs: counts ? until(limit) : 0,
      retryMs: cost > limit ? -1 : until(cost),
      mark: 0,
    }
  },

  charge(windows, { windowMs }, cost, now) {
    const { start = now - (now % windowMs), previous = 0, current = 0 } = windows ?? {}
    return { start, previous, current: Math.min(current + cost, mostUnits(windowMs)) }
  },

  settle(windows, { windowMs }, { at, units }) {
    if (windows === undefined || at < windows.start - windowMs) return undefined
    const counter = at < windows.start ? 'previous' : 'current'
    windows[counter] = Math.max(0, Math.min(windows[counter] + units, mostUnits(windowMs)))
    return windows.previous === 0 && windows.current === 0 ? null : windows
  },

  ttlMs: ({ start, current }, { windowMs }, now) => start + (current > 0 ? 2 : 1) * windowMs - now,

  isAhead: ({ start }, { windowMs }, now) => start > now - (now % windowMs),

  lua: `
    algorithms['sliding-window-counter'] = function()
      local function most_units(p)
        return math.floor(${LARGEST_PRODUCT} / p.window)
      end
      return {
        fields = { 's', 'p', 'c' },
        open = function(p)
          local start, kept = now - now % p.window, p.state[1]
          p.start, p.previous, p.current = start, 0, 0
          if not kept then return end
          if kept >= start then
            p.previous, p.current, p.ahead = p.state[2], p.state[3], kept > start
          elseif kept == start - p.window then
            p.previous = p.state[3]
          end
        end,
        measure = function(p)
          local used = p.previous * (p.window - (now - p.start)) + p.current * p.window
          local remaining = math.max(0, math.floor((p.limit * p.window - used) / p.window))
          local function until_there(units)
            local most = (p.limit - units) * p.window
            if used <= most then return 0 end
            local over = p.current * p.window - most
            if over > 0 then return p.start + p.window + math.ceil(over / p.current) - now end
            return p.start + math.ceil((p.previous * p.window + over) / p.previous) - now
          end
          local next, full = 0, 0
          if used > 0 and p.limit > 0 then next, full = until_there(remaining + 1), until_there(p.limit) end
          return remaining, next, full, p.cost > p.limit and -1 or until_there(p.cost), 0
        end,
        charge = function(p)
          p.current = math.min(p.current + p.cost, most_units(p))
        end,
        settle = function(p)
          if (p.previous == 0 and p.current == 0) or p.at < p.start - p.window then return false end
          if p.at < p.start then
            p.previous = math.max(0, math.min(p.previous + p.cost, most_units(p)))
          else
            p.current = math.max(0, math.min(p.current + p.cost, most_units(p)))
          end
          return true
        end,
        save = function(p)
          if p.previous == 0 and p.current == 0 then return 0 end
          local windows = p.current > 0 and 2 or 1
          return p.start + windows * p.window - now, p.start, p.previous, p.current
        end
      }
    end
  `,
}

/** What a window counts at most, so that two of them are calculated exactly. */
function mostUnits(windowMs: number): number {
  return Math.floor(LARGEST_PRODUCT / windowMs)
}
