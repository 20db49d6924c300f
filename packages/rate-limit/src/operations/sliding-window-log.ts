import type { Algorithm, Quota } from './algorithm.ts'

/**
 * The hits that may still count, oldest first. `totals[i]` is what was charged up to and with hit `i`, so that the units of any
 * run of hits are one subtraction, and when enough of them end is a binary search. Hits before `head` are over; they add up to `base`.
 */
interface HitLog {
  times: number[]
  totals: number[]
  head: number
  base: number
}

/** One entry per millisecond with a hit. Never more than the limit passes in any window. */
export const slidingWindowLog: Algorithm<HitLog> = {
  open(log, { windowMs }, now) {
    if (log === undefined || lastOf(log.times) + windowMs <= now) return undefined
    const isAhead = lastOf(log.times) > now
    const times = isAhead ? log.times.map((time) => Math.min(time, now)) : log.times
    const { totals } = log
    const head = search({ times, totals, head: log.head, base: log.base }, (time) => time + windowMs > now)
    // A log of its own: a call that charges nothing leaves the state as it is, for a clock that steps back.
    return { times, totals, head, base: totals[head - 1] ?? log.base }
  },

  measure(log, { limit, windowMs }, cost, now): Quota {
    const total = log === undefined ? 0 : lastOf(log.totals)
    const used = log === undefined ? 0 : total - log.base

    /** Until no more than `left` units count. */
    function until(left: number): number {
      if (log === undefined) return 0
      return (log.times[search(log, (_time, sum) => total - sum <= left)] ?? now) + windowMs - now
    }

    const counts = log !== undefined && used > 0 && limit > 0
    return {
      remaining: Math.max(0, limit - used),
      nextMs: counts ? until(Math.min(used, limit) - 1) : 0,
      fullMs: counts ? lastOf(log.times) + windowMs - now : 0,
      retryMs: cost > limit ? -1 : used + cost <= limit ? 0 : until(limit - cost),
    }
  },

  charge(log, _policy, cost, now) {
    if (log === undefined) return { times: [now], totals: [cost], head: 0, base: 0 }
    const total = lastOf(log.totals) + cost
    if (total > Number.MAX_SAFE_INTEGER || (log.head >= 32 && log.head * 2 >= log.times.length)) {
      drop(log)
      return slidingWindowLog.charge(log, _policy, cost, now)
    }
    if (lastOf(log.times) === now) {
      log.totals[log.totals.length - 1] = total
      return log
    }
    log.times.push(now)
    log.totals.push(total)
    return log
  },

  ttlMs: ({ times }, { windowMs }, now) => lastOf(times) + windowMs - now,

  isAhead: ({ times }, _policy, now) => lastOf(times) > now,

  lua: `
    algorithms['sliding-window-log'] = (function()
      local BYTES, LARGEST = 16, 9007199254740991
      local function hit(p, i)
        local at = (p.head + i) % p.capacity * BYTES
        local bytes = redis.call('GETRANGE', p.ring, at, at + BYTES - 1)
        if #bytes < BYTES then return nil end
        return struct.unpack('>dd', bytes)
      end
      local function search(p, found)
        local low, high = 0, p.count
        if found(hit(p, 0)) then return 0 end
        while low < high do
          local middle = math.floor((low + high) / 2)
          if found(hit(p, middle)) then high = middle else low = middle + 1 end
        end
        return low
      end
      local function rewrite(p, capacity)
        local hits = {}
        for i = 0, p.count - 1 do
          local time, total = hit(p, i)
          hits[i + 1] = struct.pack('>dd', math.min(time, now), total - p.base)
        end
        redis.call('SET', p.ring, table.concat(hits) .. string.rep('\\0', (capacity - p.count) * BYTES))
        p.last, p.total, p.base, p.head, p.capacity = math.min(p.last, now), p.total - p.base, 0, 0, capacity
      end
      return {
        fields = { 'h', 'n', 'c', 'b', 'l', 't' },
        open = function(p)
          local s = p.state
          p.head, p.count, p.capacity, p.base, p.last, p.total = s[1], s[2] or 0, s[3], s[4], s[5], s[6]
          if p.count == 0 or p.last + p.window <= now or not hit(p, 0) then
            p.head, p.count, p.capacity, p.base, p.last, p.total = 0, 0, 0, 0, 0, 0
            return
          end
          if p.last > now then
            rewrite(p, p.capacity)
            p.ahead = true
          end
          local over = search(p, function(time) return time + p.window > now end)
          if over == 0 then return end
          local _, total = hit(p, over - 1)
          p.base, p.head, p.count = total, (p.head + over) % p.capacity, p.count - over
        end,
        measure = function(p)
          local used = p.total - p.base
          local function until_left(left)
            local time = hit(p, search(p, function(_, total) return p.total - total <= left end))
            return time + p.window - now
          end
          local next, full, retry = 0, 0, 0
          if used > 0 and p.limit > 0 then
            next = until_left(math.min(used, p.limit) - 1)
            full = p.last + p.window - now
          end
          if p.cost > p.limit then retry = -1 elseif used + p.cost > p.limit then retry = until_left(p.limit - p.cost) end
          return math.max(0, p.limit - used), next, full, retry
        end,
        charge = function(p)
          if p.count > 0 and p.total + p.cost > LARGEST then rewrite(p, p.capacity) end
          p.total = p.total + p.cost
          if p.count == 0 or p.last < now then
            if p.count == p.capacity then rewrite(p, math.max(8, math.min(p.capacity * 2, p.limit))) end
            p.count, p.last = p.count + 1, now
          end
          local at = (p.head + p.count - 1) % p.capacity * BYTES
          redis.call('SETRANGE', p.ring, at, struct.pack('>dd', now, p.total))
        end,
        save = function(p)
          if p.count == 0 then return 0 end
          return p.last + p.window - now, p.head, p.count, p.capacity, p.base, p.last, p.total
        end
      }
    end)()
  `,
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

function lastOf(numbers: readonly number[]): number {
  return numbers[numbers.length - 1] ?? 0
}
