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

  measure(state, { limit, windowMs }, cost, now): Quota {
    const used = state?.used ?? 0
    const wait = state === undefined ? 0 : state.start + windowMs - now
    const nextMs = used > 0 && limit > 0 ? wait : 0
    const retryMs = cost > limit ? -1 : used + cost <= limit ? 0 : wait
    return { remaining: Math.max(0, limit - used), nextMs, fullMs: nextMs, retryMs, mark: 0 }
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

  lua: `
    algorithms['fixed-window'] = function()
      return {
        fields = { 's', 'u' },
        open = function(p)
          p.latest = p.extra == 'clock' and now - now % p.window or now
          p.start, p.used = p.state[1], p.state[2] or 0
          if p.start and p.start + p.window <= now then p.start, p.used = nil, 0 end
          if p.start and p.start > p.latest then p.start, p.ahead = p.latest, true end
        end,
        measure = function(p)
          local wait = p.start and p.start + p.window - now or 0
          local next = (p.used > 0 and p.limit > 0) and wait or 0
          local retry = wait
          if p.cost > p.limit then retry = -1 elseif p.used + p.cost <= p.limit then retry = 0 end
          return math.max(0, p.limit - p.used), next, next, retry, 0
        end,
        charge = function(p)
          p.start = p.start or p.latest
          p.used = math.min(p.used + p.cost, LARGEST)
        end,
        settle = function(p)
          if not p.start or p.start > p.at then return false end
          p.used = math.max(0, math.min(p.used + p.cost, LARGEST))
          return true
        end,
        save = function(p)
          if not p.start then return 0 end
          return p.start + p.window - now, p.start, p.used
        end
      }
    end
  `,
}

/** The latest moment at which a window that counts now can have begun. */
function latestStart({ anchor, windowMs }: Policy, now: number): number {
  return anchor === 'clock' ? now - (now % windowMs) : now
}
