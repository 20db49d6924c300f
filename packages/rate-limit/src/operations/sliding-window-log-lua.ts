import type { AlgorithmPart } from './algorithm.ts'

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

/** `slidingWindowLog` in Lua: its hits are in a ring, a string of its own, and what else there is of it beside the other policies. */
export const slidingWindowLogLua: Readonly<Record<AlgorithmPart, string>> = {
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
}
