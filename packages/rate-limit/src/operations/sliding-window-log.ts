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

/** A hit in the ring: its time, and what was charged up to and with it, as doubles. */
const BYTES = 16
/** So many hits are read at once, to see which are over: mostly it is one or none. */
const READ_AT_ONCE = 4

const OLDEST = `call('GETRANGE', p.ring, p.head * ${BYTES}, math.min(p.head + ${READ_AT_ONCE}, p.head + p.count, p.capacity) * ${BYTES} - 1)`

/** Where hit `i` is in the ring. */
function placeLua(i: string): string {
  return `(p.head + ${i}) % p.capacity * ${BYTES}`
}

/** The time and the total of hit `i`. */
function hitLua(i: string): string {
  return `struct.unpack('>dd', call('GETRANGE', p.ring, ${placeLua(i)}, ${placeLua(i)} + ${BYTES - 1}))`
}

/** Sets `low` to the first hit from `from` on for whose `time` and `total` `found` holds; it holds for all that follow it. */
function searchLua(from: string, found: string): string {
  return `
    local low, high = ${from}, p.count
    while low < high do
      local middle = math.floor((low + high) / 2)
      local time, total = ${hitLua('middle')}
      if ${found} then high = middle else low = middle + 1 end
    end
  `
}

/** Until no more than `left` units count, of the hits as they were opened: mostly until the first is over. */
function untilLeftLua(result: string, left: string): string {
  return `
    if p.total - p.first_total <= ${left} then
      ${result} = p.first + p.window - now
    else
      ${searchLua('1', `p.total - total <= ${left}`)}
      ${result} = ${hitLua('low')} + p.window - now
    end
  `
}

/** Makes room for more hits, not beyond the limit unless commits go beyond it: all that there is room for counts. */
const GROW = `
  local kept, capacity = p.count > 0 and call('GET', p.ring) or '', p.capacity * 2
  if p.capacity < p.limit then capacity = math.min(capacity, p.limit) end
  capacity = math.max(8, capacity)
  local from, room = p.head * ${BYTES}, (capacity - p.count) * ${BYTES}
  call('SET', p.ring, string.sub(kept, from + 1) .. string.sub(kept, 1, from) .. string.rep('\\0', room))
  p.head, p.capacity = 0, capacity
`

/** Counts from 0 again, with no hit ahead of the clock. */
const REWRITE = `
  local kept, hits, base = call('GET', p.ring), {}, p.base
  for i = 0, p.count - 1 do
    local time, total = struct.unpack('>dd', kept, ${placeLua('i')} + 1)
    hits[i + 1] = struct.pack('>dd', math.min(time, now), total - base)
  end
  call('SET', p.ring, table.concat(hits) .. string.rep('\\0', (p.capacity - p.count) * ${BYTES}))
  p.last, p.total, p.base, p.head = math.min(p.last, now), p.total - base, 0, 0
`

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
      p.head, p.count, p.capacity, p.base, p.last, p.total, p.epoch = 0, 0, 0, 0, 0, 0, 0
      if numbers then p.head, p.count, p.capacity, p.base, p.last, p.total, p.epoch = cmsgpack.unpack(numbers) end
      local oldest = p.count > 0 and p.last + p.window > now and ${OLDEST} or ''
      if oldest == '' then
        p.head, p.count, p.capacity, p.base, p.last, p.total, p.epoch = 0, 0, 0, 0, 0, 0, 0
      else
        if p.last > now then
          ${REWRITE}
          p.epoch, oldest, ahead = p.epoch + 1, ${OLDEST}, true
        end
        local over, time, sum = 0, struct.unpack('>dd', oldest)
        while time and time + p.window <= now do
          over, p.base, time = over + 1, sum, nil
          if over * ${BYTES} < #oldest then time, sum = struct.unpack('>dd', oldest, over * ${BYTES} + 1) end
        end
        if not time then
          ${searchLua('over', 'time + p.window > now')}
          if low > over then time, p.base = ${hitLua('low - 1')} end
          over, time, sum = low, ${hitLua('low')}
        end
        p.first, p.first_total, p.head, p.count = time, sum, (p.head + over) % p.capacity, p.count - over
      end
    `,
    wait: `
      if p.cost > p.limit then
        wait = -1
      elseif p.total - p.base + p.cost > p.limit then
        ${untilLeftLua('wait', 'p.limit - p.cost')}
      end
    `,
    measure: `
      local used = p.total - p.base
      remaining = math.max(0, p.limit - used)
      if used > 0 and p.limit > 0 then
        if used <= p.limit then next = p.first + p.window - now else ${untilLeftLua('next', 'p.limit - 1')} end
        full = p.last + p.window - now
      end
    `,
    charge: `
      if p.count > 0 and p.total + p.cost > ${Number.MAX_SAFE_INTEGER} then
        ${REWRITE}
      end
      p.total = math.min(p.total + p.cost, ${Number.MAX_SAFE_INTEGER})
      if p.count == 0 or p.last < now then
        if p.count == 0 then p.first = now end
        if p.count == p.capacity then
          ${GROW}
        end
        p.count, p.last = p.count + 1, now
      end
      call('SETRANGE', p.ring, ${placeLua('p.count - 1')}, struct.pack('>dd', now, p.total))
    `,
    settle: `
      local i = -1
      if p.count > 0 and p.mark == p.epoch and p.last <= p.at then
        i = p.count - 1
      elseif p.count > 0 and p.mark == p.epoch then
        ${searchLua('0', 'time > p.at')}
        i = low - 1
      end
      done = i >= 0 and ${hitLua('i')} == p.at
      if done then
        if p.total + p.cost > ${Number.MAX_SAFE_INTEGER} then
          ${REWRITE}
        end
        local by, before, _, total = math.min(p.cost, ${Number.MAX_SAFE_INTEGER} - p.total), p.base, ${hitLua('i')}
        if i > 0 then _, before = ${hitLua('i - 1')} end
        by = math.max(by, before - total)
        local gone = total + by == before and 1 or 0
        for j = i + gone, p.count - 1 do
          local time, sum = ${hitLua('j')}
          call('SETRANGE', p.ring, ${placeLua('j - gone')}, struct.pack('>dd', time, sum + by))
        end
        p.total, p.count = p.total + by, p.count - gone
        if p.count == 0 then
          p.head, p.capacity, p.base, p.last, p.total, p.epoch = 0, 0, 0, 0, 0, 0
        else
          p.last = ${hitLua('p.count - 1')}
        end
      end
    `,
    save: `
      if p.count > 0 then
        lasts = p.last + p.window - now
        numbers = cmsgpack.pack(p.head, p.count, p.capacity, p.base, p.last, p.total, p.epoch)
      end
    `,
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
