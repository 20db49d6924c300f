import type { Algorithm, Quota } from './algorithm.ts'

/** The units that are taken, and when each ends if nobody renews it, in the order of their ends. */
interface Leases {
  readonly ends: Map<string, number>
  /** No lease ends later. */
  last: number
}

/** Units that are taken until they are released, or until their lease ends. */
export const concurrency: Algorithm<Leases> = {
  open(leases, { windowMs }, now) {
    if (leases === undefined || countEnded(leases, now) === leases.ends.size) return undefined
    const last = now + windowMs
    if (leases.last <= last) return leases
    return { ends: new Map([...leases.ends].map(([unit, end]) => [unit, Math.min(end, last)])), last }
  },

  measure(leases, { limit }, cost, now): Quota {
    if (leases === undefined) {
      return { remaining: limit, nextMs: 0, fullMs: 0, retryMs: cost > limit ? -1 : 0, mark: 0 }
    }
    const { ends, last } = leases
    const ended = countEnded(leases, now)
    const used = ends.size - ended

    /** Until so many units are free, if nobody renews or releases one. */
    function until(units: number): number {
      const tooMany = used + units - limit
      if (tooMany <= 0) return 0
      let place = 0
      for (const end of ends.values()) if (++place === ended + tooMany) return end - now
      return 0
    }

    const remaining = Math.max(0, limit - used)
    return {
      remaining,
      nextMs: limit > 0 ? until(remaining + 1) : 0,
      fullMs: limit > 0 ? last - now : 0,
      retryMs: cost > limit ? -1 : until(cost),
      mark: 0,
    }
  },

  charge: (leases, { windowMs }, cost, now, token) => take(leases, token, cost, now, windowMs),

  /** Gives units back, or renews those that are held: also those that ended, since their holder lives. */
  settle(leases, { windowMs }, { token, units }, now) {
    if (units > 0) return take(leases, token, units, now, windowMs)
    if (leases === undefined) return undefined
    let released = false
    for (let unit = 0; unit < -units; unit += 1) {
      const end = leases.ends.get(`${token}:${unit}`)
      if (end !== undefined && end > now) released = leases.ends.delete(`${token}:${unit}`)
    }
    if (!released) return undefined
    return countEnded(leases, now) === leases.ends.size ? null : leases
  },

  ttlMs: ({ last }, _policy, now) => last - now,

  isAhead: ({ last }, { windowMs }, now) => last > now + windowMs,

  hasRing: true,

  lua: `
    algorithms['concurrency'] = function()
      local function after(time)
        return string.format('(%.0f', time)
      end
      local function count(p)
        p.used = redis.call('ZCOUNT', p.ring, after(now), '+inf')
        if p.used == 0 then p.last = nil end
      end
      local function take(p)
        if p.last then redis.call('ZREMRANGEBYSCORE', p.ring, '-inf', now) else redis.call('DEL', p.ring) end
        p.last = now + p.window
        for unit = 0, p.cost - 1 do redis.call('ZADD', p.ring, p.last, token .. ':' .. unit) end
        count(p)
      end
      return {
        fields = { 'l' },
        open = function(p)
          p.last, p.used = p.state[1], 0
          if not p.last or p.last <= now then p.last = nil return end
          count(p)
          if not p.last or p.last <= now + p.window then return end
          p.last, p.ahead = now + p.window, true
          for _, unit in ipairs(redis.call('ZRANGEBYSCORE', p.ring, after(p.last), '+inf')) do
            redis.call('ZADD', p.ring, p.last, unit)
          end
        end,
        measure = function(p)
          local function until_free(units)
            local too_many = p.used + units - p.limit
            if too_many <= 0 then return 0 end
            local range = { 'ZRANGEBYSCORE', p.ring, after(now), '+inf', 'WITHSCORES', 'LIMIT', too_many - 1, 1 }
            return tonumber(redis.call(unpack(range))[2]) - now
          end
          local remaining, next, full = math.max(0, p.limit - p.used), 0, 0
          if p.used > 0 and p.limit > 0 then next, full = until_free(remaining + 1), p.last - now end
          return remaining, next, full, p.cost > p.limit and -1 or until_free(p.cost), 0
        end,
        charge = take,
        settle = function(p)
          if p.cost > 0 then
            take(p)
            return true
          end
          if not p.last then return false end
          local released = 0
          for unit = 0, -p.cost - 1 do
            local name = token .. ':' .. unit
            local ends = redis.call('ZSCORE', p.ring, name)
            if ends and tonumber(ends) > now then released = released + redis.call('ZREM', p.ring, name) end
          end
          count(p)
          return released > 0
        end,
        save = function(p)
          if not p.last then return 0 end
          return p.last - now, p.last
        end
      }
    end
  `,
}

function take(leases: Leases | undefined, token: string, units: number, now: number, leaseMs: number): Leases {
  const taken = leases ?? { ends: new Map<string, number>(), last: 0 }
  const { ends } = taken
  for (const [unit, end] of ends) {
    if (end > now) break
    ends.delete(unit)
  }
  taken.last = now + leaseMs
  for (let unit = 0; unit < units; unit += 1) {
    ends.delete(`${token}:${unit}`)
    ends.set(`${token}:${unit}`, taken.last)
  }
  return taken
}

function countEnded({ ends }: Leases, now: number): number {
  let ended = 0
  for (const end of ends.values()) {
    if (end > now) break
    ended += 1
  }
  return ended
}
