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
  /** How often the clock was set back meanwhile: hits that were moved by it are not found again. */
  epoch: number
}

/** One entry per millisecond with a hit. Never more than the limit passes in any window. */
export const slidingWindowLog: Algorithm<HitLog> = {
  open(log, { windowMs }, now) {
    if (log === undefined || lastOf(log.times) + windowMs <= now) return undefined
    const isAhead = lastOf(log.times) > now
    const times = isAhead ? log.times.map((time) => Math.min(time, now)) : log.times
    const { totals } = log
    const epoch = isAhead ? log.epoch + 1 : log.epoch
    const head = search({ ...log, times }, (time) => time + windowMs > now)
    // A log of its own: a call that charges nothing leaves the state as it is, for a clock that steps back.
    return { times, totals, head, base: totals[head - 1] ?? log.base, epoch }
  },

  wait(log, { limit, windowMs }, cost, now) {
    if (cost > limit) return -1
    return log === undefined || usedOf(log) + cost <= limit ? 0 : untilLeft(log, limit - cost, windowMs, now)
  },

  measure(log, { limit, windowMs }, now): Quota {
    if (log === undefined) return { remaining: limit, nextMs: 0, fullMs: 0, mark: 0 }
    const { times, head, epoch } = log
    const used = usedOf(log)
    const remaining = Math.max(0, limit - used)
    if (used === 0 || limit === 0) return { remaining, nextMs: 0, fullMs: 0, mark: epoch }
    const nextMs = used <= limit ? (times[head] ?? now) + windowMs - now : untilLeft(log, limit - 1, windowMs, now)
    return { remaining, nextMs, fullMs: lastOf(times) + windowMs - now, mark: epoch }
  },

  charge(log, _policy, cost, now) {
    if (log === undefined) return { times: [now], totals: [cost], head: 0, base: 0, epoch: 0 }
    const isFull = lastOf(log.totals) + cost > Number.MAX_SAFE_INTEGER
    if (isFull || (log.head >= 32 && log.head * 2 >= log.times.length)) drop(log)
    const total = Math.min(lastOf(log.totals) + cost, Number.MAX_SAFE_INTEGER)
    if (lastOf(log.times) === now) {
      log.totals[log.totals.length - 1] = total
      return log
    }
    log.times.push(now)
    log.totals.push(total)
    return log
  },

  settle(log, _policy, { at, mark, units }) {
    if (log === undefined || mark !== log.epoch) return undefined
    let hit = search(log, (time) => time > at) - 1
    if (hit < log.head || log.times[hit] !== at) return undefined
    if (lastOf(log.totals) + units > Number.MAX_SAFE_INTEGER) {
      hit -= log.head
      drop(log)
    }
    change(log, hit, Math.min(units, Number.MAX_SAFE_INTEGER - lastOf(log.totals)))
    return log.times.length === log.head ? null : log
  },

  ttlMs: ({ times }, { windowMs }, now) => lastOf(times) + windowMs - now,

  isAhead: ({ times }, _policy, now) => lastOf(times) > now,

  hasRing: true,

  lua: {
    open: `
      rings, p.ring = rings + 1, KEYS[rings + 1]
      if log.open(p, numbers) then ahead = true end
    `,
    wait: 'wait = log.wait(p)',
    measure: 'remaining, next, full = log.measure(p)',
    charge: 'log.charge(p)',
    settle: 'done = log.settle(p)',
    save: `
      if p.count > 0 then
        lasts = p.last + p.window - now
        numbers = cmsgpack.pack(p.head, p.count, p.capacity, p.base, p.last, p.total, p.epoch)
      end
    `,
  },

  luaFunctions: {
    name: 'log',
    helpers: `
      local BYTES, LARGEST = 16, ${Number.MAX_SAFE_INTEGER}
      local function position(p, i)
        return (p.head + i) % p.capacity
      end
      local function hit(p, i)
        local from = position(p, i) * BYTES
        local bytes = call('GETRANGE', p.ring, from, from + BYTES - 1)
        if #bytes < BYTES then return nil end
        return struct.unpack('>dd', bytes)
      end
      local function set(p, i, time, total)
        call('SETRANGE', p.ring, position(p, i) * BYTES, struct.pack('>dd', time, total))
      end
      local function search(p, low, found)
        local high = p.count
        while low < high do
          local middle = math.floor((low + high) / 2)
          if found(hit(p, middle)) then high = middle else low = middle + 1 end
        end
        return low
      end
      local function until_left(p, left)
        local time = hit(p, search(p, 0, function(_, total) return p.total - total <= left end))
        return time + p.window - now
      end
      local function rewrite(p, capacity)
        local kept, hits, base = call('GET', p.ring), {}, p.base
        for i = 1, capacity do hits[i] = string.rep('\\0', BYTES) end
        for i = 0, p.count - 1 do
          local time, total = struct.unpack('>dd', kept, position(p, i) * BYTES + 1)
          hits[i + 1] = struct.pack('>dd', math.min(time, now), total - base)
        end
        call('SET', p.ring, table.concat(hits))
        p.last, p.total, p.base, p.head, p.capacity = math.min(p.last, now), p.total - base, 0, 0, capacity
      end
      local function grown(p) -- not beyond the limit, unless commits go beyond it
        return math.max(8, p.capacity < p.limit and math.min(p.capacity * 2, p.limit) or p.capacity * 2)
      end
      local function clear(p)
        p.head, p.count, p.capacity, p.base, p.last, p.total, p.epoch = 0, 0, 0, 0, 0, 0, 0
      end
    `,
    open: `function(p, numbers)
      if not numbers then return clear(p) end
      p.head, p.count, p.capacity, p.base, p.last, p.total, p.epoch = cmsgpack.unpack(numbers)
      if p.last + p.window <= now then return clear(p) end
      p.first = hit(p, 0)
      if not p.first then return clear(p) end
      local is_ahead = p.last > now
      if is_ahead then
        rewrite(p, p.capacity)
        p.epoch, p.first = p.epoch + 1, math.min(p.first, now)
      end
      if p.first + p.window > now then return is_ahead end
      local over = search(p, 1, function(time) return time + p.window > now end)
      local _, sum = hit(p, over - 1)
      p.base, p.head, p.count = sum, (p.head + over) % p.capacity, p.count - over
      p.first = hit(p, 0)
      return is_ahead
    end`,
    wait: `function(p)
      if p.cost > p.limit then return -1 end
      return p.total - p.base + p.cost <= p.limit and 0 or until_left(p, p.limit - p.cost)
    end`,
    measure: `function(p)
      local used = p.total - p.base
      local remaining = math.max(0, p.limit - used)
      if used == 0 or p.limit == 0 then return remaining, 0, 0 end
      local next = used <= p.limit and p.first + p.window - now or until_left(p, p.limit - 1)
      return remaining, next, p.last + p.window - now
    end`,
    charge: `function(p)
      if p.count > 0 and p.total + p.cost > LARGEST then rewrite(p, p.capacity) end
      p.total = math.min(p.total + p.cost, LARGEST)
      if p.count == 0 or p.last < now then
        if p.count == p.capacity then rewrite(p, grown(p)) end
        if p.count == 0 then p.first = now end
        p.count, p.last = p.count + 1, now
      end
      set(p, p.count - 1, now, p.total)
    end`,
    settle: `function(p)
      if p.count == 0 or p.mark ~= p.epoch then return false end
      local i = p.last <= p.at and p.count - 1 or search(p, 0, function(time) return time > p.at end) - 1
      if i < 0 or hit(p, i) ~= p.at then return false end
      if p.total + p.cost > LARGEST then rewrite(p, p.capacity) end
      local by, before, _, total = math.min(p.cost, LARGEST - p.total), p.base, hit(p, i)
      if i > 0 then _, before = hit(p, i - 1) end
      by = math.max(by, before - total)
      local gone = total + by == before and 1 or 0
      for j = i + gone, p.count - 1 do
        local time, sum = hit(p, j)
        set(p, j - gone, time, sum + by)
      end
      p.total, p.count = p.total + by, p.count - gone
      if p.count == 0 then clear(p) else p.last = hit(p, p.count - 1) end
      return true
    end`,
  },
}

function usedOf({ totals, base }: HitLog): number {
  return lastOf(totals) - base
}

/** Until no more than `left` units count. */
function untilLeft(log: HitLog, left: number, windowMs: number, now: number): number {
  const total = lastOf(log.totals)
  return (log.times[search(log, (_time, sum) => total - sum <= left)] ?? now) + windowMs - now
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

/** Gives a hit more units, or takes as many as it has; one without any goes. */
function change({ times, totals, head, base }: HitLog, hit: number, units: number): void {
  const before = hit === head ? base : (totals[hit - 1] ?? 0)
  const by = Math.max(units, before - (totals[hit] ?? 0))
  for (let index = hit; index < totals.length; index += 1) totals[index] = (totals[index] ?? 0) + by
  if (totals[hit] !== before) return
  times.splice(hit, 1)
  totals.splice(hit, 1)
}

function lastOf(numbers: readonly number[]): number {
  return numbers[numbers.length - 1] ?? 0
}
