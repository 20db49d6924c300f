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
    open: `
      p.start, p.used = nil, 0
      if numbers then p.start, p.used = cmsgpack.unpack(numbers) end
      p.latest = p.own == 'clock' and now - now % p.window or now
      if p.start and p.start + p.window <= now then p.start, p.used = nil, 0 end
      if p.start and p.start > p.latest then p.start, ahead = p.latest, true end
    `,
    wait: `
      if p.cost > p.limit then
        wait = -1
      elseif p.used + p.cost > p.limit then
        wait = p.start + p.window - now
      end
    `,
    measure: `
      remaining = math.max(0, p.limit - p.used)
      if p.used > 0 and p.limit > 0 then next = p.start + p.window - now end
      full = next
    `,
    charge: `
      p.start = p.start or p.latest
      p.used = math.min(p.used + p.cost, ${Number.MAX_SAFE_INTEGER})
    `,
    settle: `
      done = p.start and p.start <= p.at
      if done then p.used = math.max(0, math.min(p.used + p.cost, ${Number.MAX_SAFE_INTEGER})) end
    `,
    save: `
      if p.start then lasts, numbers = p.start + p.window - now, cmsgpack.pack(p.start, p.used) end
    `,
  },
}

/** The latest moment at which a window that counts now can have begun. */
function latestStart({ anchor, windowMs }: Policy, now: number): number {
  return anchor === 'clock' ? now - (now % windowMs) : now
}
