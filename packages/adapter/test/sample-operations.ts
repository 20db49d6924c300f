import { defineOperation, type Operation } from '@holdfast/adapter'

interface Lease {
  owner: string
  fence: number
}

/** Takes a lease, or renews one's own. */
export const acquire: Operation<Lease, { owner: string; leaseMs: number }, { held: boolean; fence: number }> = defineOperation({
  name: 'sample.acquire',
  step(state, { owner, leaseMs }) {
    if (state !== undefined && state.owner !== owner) return { result: { held: false, fence: state.fence } }
    const fence = (state?.fence ?? 0) + 1
    return { result: { held: true, fence }, next: { state: { owner, fence }, ttlMs: leaseMs } }
  },
  lua: `
    local owner, lease = ARGV[1], tonumber(ARGV[2])
    local holder, fence = read('owner', 'fence')
    if holder and holder ~= owner then return { 0, tonumber(fence) } end
    fence = (tonumber(fence) or 0) + 1
    write(lease, 'owner', owner, 'fence', fence)
    return { 1, fence }
  `,
  encode: ({ owner, leaseMs }) => [owner, leaseMs],
  decode: ([held, fence]) => ({ held: held === 1, fence: Number(fence) }),
})

/** Gives back one's own lease, and tells who waits. */
export const release: Operation<Lease, { owner: string }, boolean> = defineOperation({
  name: 'sample.release',
  step(state, { owner }) {
    if (state?.owner !== owner) return { result: false }
    return { result: true, next: null, publish: [{ channel: 'leases', message: owner }] }
  },
  lua: `
    local owner = ARGV[1]
    local holder = read('owner', 'fence')
    if not (holder == owner) then return { 0 } end
    delete()
    publish('leases', owner)
    return { 1 }
  `,
  encode: ({ owner }) => [owner],
  decode: ([released]) => released === 1,
})

/** Five units a second, with a note that only the last call's note replaces. */
export const quota: Operation<
  { start: number; used: number; note?: string },
  { cost: number; note: string },
  { allowed: boolean; used: number; note: string }
> = defineOperation({
  name: 'sample.quota',
  step(state, { cost, note }, now) {
    const open = state === undefined || state.start + 1_000 <= now ? { start: now, used: 0 } : state
    const before = state?.note ?? ''
    if (open.used + cost > 5) return { result: { allowed: false, used: open.used, note: before } }
    const used = open.used + cost
    const next = note === '' ? { start: open.start, used } : { start: open.start, used, note }
    // Kept for longer than the window: that it is over is the step's own arithmetic.
    return { result: { allowed: true, used, note: before }, next: { state: next, ttlMs: open.start + 3_000 - now } }
  },
  lua: `
    local cost, note = tonumber(ARGV[1]), ARGV[2]
    local start, used, before = read('start', 'used', 'note')
    start, used = tonumber(start), tonumber(used)
    if not start or start + 1000 <= now then
      start = now
      used = 0
    end
    local allowed = used + cost <= 5
    if not allowed then return { 0, used, before or '' } end
    used = used + cost
    if note == '' then
      write(start + 3000 - now, 'start', start, 'used', used)
    else
      write(start + 3000 - now, 'start', start, 'used', used, 'note', note)
    end
    return { 1, used, before or '' }
  `,
  encode: ({ cost, note }) => [cost, note],
  decode: ([allowed, used, note]) => ({ allowed: allowed === 1, used: Number(used), note: String(note) }),
})

/** What was added in the last second, in a further key beside the hash. */
export const ring: Operation<{ items: string }, { item: string }, string> = defineOperation({
  name: 'sample.ring',
  step(state, { item }) {
    const items = (state?.items ?? '') + item
    return { result: items, next: { state: { items }, ttlMs: 1_000 } }
  },
  lua: `
    local item = ARGV[1]
    if not read('length') then redis.call('DEL', KEYS[2]) end
    local length = redis.call('APPEND', KEYS[2], item)
    write(1000, 'length', length)
    return { redis.call('GET', KEYS[2]) }
  `,
  encode: ({ item }) => [item],
  decode: ([items]) => String(items),
  keys: (key) => [`${key}:items`],
})

/** Counts in the state, and keeps a text beside it while the count is odd. */
export const page: Operation<{ count: number }, { text: string; ttlMs: number }, number> = defineOperation({
  name: 'sample.page',
  value: true,
  step(state, { text, ttlMs }) {
    const count = (state?.count ?? 0) + 1
    const next = { state: { count }, ttlMs: 1_000 }
    if (count === 4) return { result: count, next: null }
    return { result: count, next, value: count % 2 === 0 ? null : { bytes: Buffer.from(text), ttlMs } }
  },
  lua: `
    local text, ttl = ARGV[1], tonumber(ARGV[2])
    local count = (tonumber(read('count')) or 0) + 1
    if count == 4 then
      delete()
      return { count }
    end
    if count % 2 == 0 then delete_value() else write_value(ttl, text) end
    write(1000, 'count', count)
    return { count }
  `,
  encode: ({ text, ttlMs }) => [text, ttlMs],
  decode: ([count]) => Number(count),
})

/** Text that ends: written when there is none, else kept for longer. Gives how long it would have lasted. */
export const text: Operation<Uint8Array, { bytes: Buffer; ttlMs: number }, number> = defineOperation({
  name: 'sample.text',
  state: 'string',
  step(state, { bytes, ttlMs }, now, ends) {
    if (state === undefined || ends === undefined) return { result: -1, next: { state: bytes, ttlMs } }
    return { result: ends - now, next: { state, ttlMs } }
  },
  lua: `
    local bytes, ttl = ARGV[1], tonumber(ARGV[2])
    if not read() then
      write(ttl, bytes)
      return { -1 }
    end
    local lasts = left()
    expire(ttl)
    return { lasts }
  `,
  encode: ({ bytes, ttlMs }) => [bytes, ttlMs],
  decode: ([lasts]) => Number(lasts),
})
