import type { Algorithm, Quota } from './algorithm.ts'

/** The units that are taken, and when each ends if nobody renews it, in the order of their ends. */
interface Leases {
  readonly ends: Map<string, number>
  /** No lease ends later. */
  last: number
}

/** The scores that lie after a time. */
function afterLua(time: string): string {
  return `string.format('(%.0f', ${time})`
}

/** Until so many units are free, if nobody renews or releases one. */
function untilFreeLua(result: string, units: string): string {
  return `
    local taken = p.used + ${units} - p.limit
    if taken > 0 then
      local range = call('ZRANGEBYSCORE', p.ring, ${afterLua('now')}, '+inf', 'WITHSCORES', 'LIMIT', taken - 1, 1)
      ${result} = range[2] - now
    end
  `
}

const TAKE = `
  if p.last then call('ZREMRANGEBYSCORE', p.ring, '-inf', now) else call('DEL', p.ring) end
  p.last = now + p.window
  for unit = 0, p.cost - 1 do p.used = p.used + call('ZADD', p.ring, p.last, token .. ':' .. unit) end
`

/** Units that are taken until they are released, or until their lease ends. */
export const concurrency: Algorithm<Leases> = {
  open(leases, { windowMs }, now) {
    if (leases === undefined || countEnded(leases, now) === leases.ends.size) return undefined
    const last = now + windowMs
    if (leases.last <= last) return leases
    return { ends: new Map([...leases.ends].map(([unit, end]) => [unit, Math.min(end, last)])), last }
  },

  wait(leases, { limit }, cost, now) {
    if (cost > limit) return -1
    return leases === undefined ? 0 : untilFree(leases, cost, limit, now)
  },

  measure(leases, { limit }, now): Quota {
    if (leases === undefined) return { remaining: limit, nextMs: 0, fullMs: 0, mark: 0 }
    const remaining = Math.max(0, limit - (leases.ends.size - countEnded(leases, now)))
    if (limit === 0) return { remaining, nextMs: 0, fullMs: 0, mark: 0 }
    return { remaining, nextMs: untilFree(leases, remaining + 1, limit, now), fullMs: leases.last - now, mark: 0 }
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

  lua: {
    open: `
      rings, p.ring = rings + 1, KEYS[rings + 1]
      p.last, p.used = numbers and cmsgpack.unpack(numbers), 0
      if p.last and p.last > now then p.used = call('ZCOUNT', p.ring, ${afterLua('now')}, '+inf') end
      if p.used == 0 then
        p.last = nil
      elseif p.last > now + p.window then
        p.last, ahead = now + p.window, true
        for _, unit in ipairs(call('ZRANGEBYSCORE', p.ring, ${afterLua('p.last')}, '+inf')) do
          call('ZADD', p.ring, p.last, unit)
        end
      end
    `,
    wait: `
      if p.cost > p.limit then
        wait = -1
      else
        ${untilFreeLua('wait', 'p.cost')}
      end
    `,
    measure: `
      remaining = math.max(0, p.limit - p.used)
      if p.used > 0 and p.limit > 0 then
        ${untilFreeLua('next', 'remaining + 1')}
        full = p.last - now
      end
    `,
    charge: TAKE,
    settle: `
      if p.cost > 0 then
        ${TAKE}
        done = true
      elseif p.last then
        for unit = 0, -p.cost - 1 do
          local name = token .. ':' .. unit
          local ends = call('ZSCORE', p.ring, name)
          if ends and tonumber(ends) > now then
            p.used, done = p.used - call('ZREM', p.ring, name), true
          end
        end
        if p.used == 0 then p.last = nil end
      end
    `,
    save: 'if p.last then lasts, numbers = p.last - now, cmsgpack.pack(p.last) end',
  },
}

/** Until so many units are free, if nobody renews or releases one. */
function untilFree(leases: Leases, units: number, limit: number, now: number): number {
  const ended = countEnded(leases, now)
  const tooMany = leases.ends.size - ended + units - limit
  if (tooMany <= 0) return 0
  let place = 0
  for (const end of leases.ends.values()) if (++place === ended + tooMany) return end - now
  return 0
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
