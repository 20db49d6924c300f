import type { Policy } from '../policy.ts'
import type { Algorithm, Quota } from './algorithm.ts'

interface FixedWindow {
  /** When the window began. */
  start: number
  used: number
}

/** One counter per window. In the worst case twice the limit passes around the end of a window. */
export const fixedWindow: Algorithm<FixedWindow> = {
  open(state, policy, now) {
    if (state === undefined || state.start + policy.windowMs <= now) return undefined
    const start = latestStart(policy, now)
    return state.start > start ? { start, used: state.used } : state
  },

  wait(state, { limit, windowMs }, cost, now) {
    if (cost > limit) return -1
    return state === undefined || state.used + cost <= limit ? 0 : state.start + windowMs - now
  },

  measure(state, { limit, windowMs }, now): Quota {
    if (state === undefined) return { remaining: limit, nextMs: 0, fullMs: 0, mark: 0 }
    const { start, used } = state
    const nextMs = used > 0 && limit > 0 ? start + windowMs - now : 0
    return { remaining: Math.max(0, limit - used), nextMs, fullMs: nextMs, mark: 0 }
  },

  charge(state, policy, cost, now) {
    if (state === undefined) return { start: latestStart(policy, now), used: cost }
    state.used = Math.min(state.used + cost, Number.MAX_SAFE_INTEGER)
    return state
  },

  settle(state, _policy, { at, units }) {
    if (state === undefined || state.start > at) return undefined
    state.used = Math.max(0, Math.min(state.used + units, Number.MAX_SAFE_INTEGER))
    return state
  },

  ttlMs: (state, policy, now) => state.start + policy.windowMs - now,

  isAhead: (state, policy, now) => state.start > latestStart(policy, now),

  lua: {
    open: `function(p, start, used)
      p.latest = p.anchor == 'clock' and now - now % p.window or now
      p.start, p.used = start, used or 0
      if p.start and p.start + p.window <= now then p.start, p.used = nil, 0 end
      if p.start and p.start > p.latest then p.start, p.ahead = p.latest, true end
    end`,
    wait: `function(p)
      if p.cost > p.limit then return -1 end
      return p.used + p.cost <= p.limit and 0 or p.start + p.window - now
    end`,
    measure: `function(p)
      local next = p.used > 0 and p.limit > 0 and p.start + p.window - now or 0
      return max(0, p.limit - p.used), next, next
    end`,
    charge: `function(p)
      p.start = p.start or p.latest
      p.used = min(p.used + p.cost, LARGEST)
    end`,
    settle: `function(p)
      if not p.start or p.start > p.at then return false end
      p.used = max(0, min(p.used + p.cost, LARGEST))
      return true
    end`,
    save: `function(p)
      if not p.start then return 0 end
      return p.start + p.window - now, pack(p.start, p.used)
    end`,
  },
}

/** The latest moment at which a window that counts now can have begun. */
function latestStart({ anchor, windowMs }: Policy, now: number): number {
  return anchor === 'clock' ? now - (now % windowMs) : now
}
