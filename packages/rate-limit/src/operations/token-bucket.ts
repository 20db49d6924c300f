import { LARGEST_PRODUCT, type Policy } from '../policy.ts'
import type { Algorithm, Quota } from './algorithm.ts'

/**
 * What is missing from a full bucket. A token is `windowMs` units and a millisecond brings `refill` of them, so that all of it is
 * whole numbers: no wait is a millisecond off.
 */
interface Bucket {
  missing: number
  /** When so much was missing. */
  at: number
  /** When the bucket was whole last: what was charged before has come back. */
  since: number
}

/** The generic cell rate algorithm (ITU-T I.371). In the worst case `limit`, and what comes back meanwhile, pass in a window. */
export const tokenBucket: Algorithm<Bucket> = {
  open(bucket, { refill }, now) {
    if (bucket === undefined) return undefined
    const missing = bucket.missing - Math.max(0, now - bucket.at) * refill
    return missing > 0 ? { missing, at: now, since: bucket.since } : undefined
  },

  wait(bucket, policy, cost) {
    return cost > policy.limit ? -1 : untilThere(cost, bucket?.missing ?? 0, policy)
  },

  measure(bucket, policy): Quota {
    const { limit, windowMs } = policy
    if (bucket === undefined) return { remaining: limit, nextMs: 0, fullMs: 0, mark: 0 }
    const { missing, since } = bucket
    const remaining = Math.max(0, Math.floor((limit * windowMs - missing) / windowMs))
    if (limit === 0) return { remaining, nextMs: 0, fullMs: 0, mark: since }
    const nextMs = untilThere(remaining + 1, missing, policy)
    return { remaining, nextMs, fullMs: untilThere(limit, missing, policy), mark: since }
  },

  charge: (bucket, { windowMs }, cost, now) => ({
    missing: Math.min((bucket?.missing ?? 0) + cost * windowMs, LARGEST_PRODUCT),
    at: now,
    since: bucket?.since ?? now,
  }),

  /**
   * For as long as a whole bucket takes to fill. One that has filled up since gives nothing back, and what it is charged besides has
   * come back in part as well.
   */
  settle(bucket, { limit, windowMs, refill }, { at, mark, units }, now) {
    if (units < 0 && mark !== bucket?.since) return undefined
    const sinceMs = Math.max(0, now - at)
    if (sinceMs * refill >= limit * windowMs) return undefined
    const before = bucket === undefined ? -sinceMs * refill : bucket.missing
    const missing = Math.min(before + units * windowMs, LARGEST_PRODUCT)
    if (missing > 0) return { missing, at: now, since: bucket?.since ?? now }
    return bucket === undefined ? undefined : null
  },

  ttlMs: ({ missing }, { refill }) => Math.ceil(missing / refill),

  isAhead: ({ at }, _policy, now) => at > now,

  lua: {
    open: `
      p.missing, p.epoch = 0, 0
      if numbers then
        local missing, at, age = cmsgpack.unpack(numbers)
        if at > now then ahead = true end
        p.missing = math.max(0, missing - math.max(0, now - at) * p.own)
        if p.missing > 0 then p.epoch = at - (age or 0) end
      end
    `,
    wait: `
      wait = p.cost > p.limit and -1 or ${untilThereLua('p.cost')}
    `,
    measure: `
      remaining = math.max(0, math.floor((p.limit * p.window - p.missing) / p.window))
      if p.missing > 0 and p.limit > 0 then
        next, full = ${untilThereLua('remaining + 1')}, ${untilThereLua('p.limit')}
      end
    `,
    charge: `
      if p.missing == 0 then p.epoch = now end
      p.missing = math.min(p.missing + p.cost * p.window, ${LARGEST_PRODUCT})
    `,
    settle: `
      local since = math.max(0, now - p.at)
      if (p.cost > 0 or p.mark == p.epoch) and since * p.own < p.limit * p.window then
        local counted = p.missing > 0
        if not counted then p.epoch = now end
        local before = counted and p.missing or -since * p.own
        p.missing = math.max(0, math.min(before + p.cost * p.window, ${LARGEST_PRODUCT}))
        if p.missing == 0 then p.epoch = 0 end
        done = counted or p.missing > 0
      end
    `,
    save: `
      if p.missing > 0 then lasts, numbers = math.ceil(p.missing / p.own), cmsgpack.pack(p.missing, now, now - p.epoch) end
    `,
  },
}

/** Until so many tokens are in a bucket. */
function untilThere(tokens: number, missing: number, { limit, windowMs, refill }: Policy): number {
  return Math.max(0, Math.ceil((missing + (tokens - limit) * windowMs) / refill))
}

function untilThereLua(tokens: string): string {
  return `math.max(0, math.ceil((p.missing + (${tokens} - p.limit) * p.window) / p.own))`
}
