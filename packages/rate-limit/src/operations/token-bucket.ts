import { LARGEST_PRODUCT } from '../policy.ts'
import type { Algorithm, Quota } from './algorithm.ts'

/**
 * What is missing from a full bucket. A token is `windowMs` units and a millisecond brings `refill` of them, so that all of it is
 * whole numbers: no wait is a millisecond off.
 */
interface Bucket {
  missing: number
  /** When so much was missing. */
  at: number
}

/** The generic cell rate algorithm (ITU-T I.371). In the worst case `limit`, and what comes back meanwhile, pass in a window. */
export const tokenBucket: Algorithm<Bucket> = {
  open(bucket, { refill }, now) {
    if (bucket === undefined) return undefined
    const missing = bucket.missing - Math.max(0, now - bucket.at) * refill
    return missing > 0 ? { missing, at: now } : undefined
  },

  measure(bucket, { limit, windowMs, refill }, cost): Quota {
    const missing = bucket?.missing ?? 0
    const capacity = limit * windowMs
    const remaining = Math.max(0, Math.floor((capacity - missing) / windowMs))

    /** Until so many tokens are there. */
    function until(tokens: number): number {
      return Math.max(0, Math.ceil((missing + tokens * windowMs - capacity) / refill))
    }

    const counts = missing > 0 && limit > 0
    return {
      remaining,
      nextMs: counts ? until(remaining + 1) : 0,
      fullMs: counts ? until(limit) : 0,
      retryMs: cost > limit ? -1 : until(cost),
      mark: 0,
    }
  },

  charge: (bucket, { windowMs }, cost, now) => ({
    missing: Math.min((bucket?.missing ?? 0) + cost * windowMs, LARGEST_PRODUCT),
    at: now,
  }),

  /**
   * For as long as a whole bucket takes to fill. What a bucket that has filled up since is charged besides has come back in part as
   * well.
   */
  settle(bucket, { limit, windowMs, refill }, { at, units }, now) {
    const sinceMs = Math.max(0, now - at)
    if (sinceMs * refill >= limit * windowMs) return undefined
    const before = bucket === undefined ? -sinceMs * refill : bucket.missing
    const missing = Math.min(before + units * windowMs, LARGEST_PRODUCT)
    if (missing > 0) return { missing, at: now }
    return bucket === undefined ? undefined : null
  },

  ttlMs: ({ missing }, { refill }) => Math.ceil(missing / refill),

  isAhead: ({ at }, _policy, now) => at > now,

  lua: `
    algorithms['token-bucket'] = function()
      return {
        fields = { 'm', 'a' },
        open = function(p)
          p.refill = tonumber(p.extra)
          p.missing = p.state[1] or 0
          if p.missing > 0 then
            p.ahead = p.state[2] > now
            p.missing = math.max(0, p.missing - math.max(0, now - p.state[2]) * p.refill)
          end
        end,
        measure = function(p)
          local capacity = p.limit * p.window
          local remaining = math.max(0, math.floor((capacity - p.missing) / p.window))
          local function until_there(tokens)
            return math.max(0, math.ceil((p.missing + tokens * p.window - capacity) / p.refill))
          end
          local next, full = 0, 0
          if p.missing > 0 and p.limit > 0 then next, full = until_there(remaining + 1), until_there(p.limit) end
          return remaining, next, full, p.cost > p.limit and -1 or until_there(p.cost), 0
        end,
        charge = function(p)
          p.missing = math.min(p.missing + p.cost * p.window, ${LARGEST_PRODUCT})
        end,
        settle = function(p)
          local since = math.max(0, now - p.at)
          if since * p.refill >= p.limit * p.window then return false end
          local before = p.missing > 0 and p.missing or -since * p.refill
          local counted = p.missing > 0
          p.missing = math.max(0, math.min(before + p.cost * p.window, ${LARGEST_PRODUCT}))
          return counted or p.missing > 0
        end,
        save = function(p)
          if p.missing == 0 then return 0 end
          return math.ceil(p.missing / p.refill), p.missing, now
        end
      }
    end
  `,
}
