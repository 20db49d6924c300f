import type { Transition } from '../operation.ts'
import { fenceLua } from './fence.ts'

/** Who holds a lease of one subject, and who waits for one. */
export interface Permits {
  /** The last fencing token that was given. */
  fence: number
  /** How many may hold a lease at once, by the last call that took one. */
  permits: number
  holders: Holder[]
  /** First come, first served. */
  waiters: Waiter[]
}

interface Holder {
  readonly token: string
  readonly fence: number
  endsAt: number
  leaseMs: number
}

export interface Waiter {
  readonly token: string
  /** The channel to tell that its turn has come; '' when it was told, or cannot be. */
  address: string
  /** It is taken to be dead when it has not looked again by then. */
  until: number
}

interface Message {
  readonly channel: string
  readonly message: string
}

/** Permits as they count now, a copy; of the line only its front, see `bringUp`. */
export interface Opened extends Permits {
  /** Whether something lay further ahead than can be: the clock was set back, and what is clamped has to be kept. */
  clamped: boolean
}

/** How long a waiter is waited for that does not look again; it does so every 2 s at the least. */
export const ALIVE_MS = 5_000
/** How long one that was told may take to claim its turn. */
const CLAIM_MS = 1_000
/** For how long a fence is kept that nobody holds: by so much the clock may be set back without a token coming twice. */
export const KEPT_MS = 60_000

export function opened(state: Permits | undefined, now: number, permits: number = state?.permits ?? 1): Opened {
  const { fence = 0, holders = [], waiters = [] } = state ?? {}
  const open: Opened = { fence, permits, holders: [], waiters: [...waiters], clamped: false }
  for (const holder of holders) {
    const endsAt = clamp(open, holder.endsAt, now + holder.leaseMs)
    if (endsAt > now) open.holders.push({ ...holder, endsAt })
  }
  bringUp(open, now)
  return open
}

function clamp(open: Opened, moment: number, latest: number): number {
  if (moment <= latest) return moment
  open.clamped = true
  return latest
}

/**
 * Sees to it that the front of the line is alive: those whose turn it is, and the next. Whoever is dead behind them goes when it comes
 * to the front, so that a step costs the same however long the line is.
 */
function bringUp(open: Opened, now: number): void {
  const { waiters } = open
  for (let place = 0; place <= leasesLeft(open); ) {
    const waiter = waiters[place]
    if (waiter === undefined) return
    const until = clamp(open, waiter.until, now + ALIVE_MS)
    if (until > now) waiters[place++] = { ...waiter, until }
    else waiters.splice(place, 1)
  }
}

export function leasesLeft({ permits, holders }: Permits): number {
  return Math.max(0, permits - holders.length)
}

/** The waiters whose turn it is: as many as there are leases left. */
export function claimants(open: Permits): Waiter[] {
  return open.waiters.slice(0, leasesLeft(open))
}

/** Those whose turn has come, and who have not been told: they are, and have to claim it soon. */
export function told(open: Opened, now: number): Message[] {
  bringUp(open, now)
  return claimants(open).flatMap((waiter) => {
    const { token, address: channel } = waiter
    if (channel === '') return []
    waiter.address = ''
    waiter.until = now + CLAIM_MS
    return [{ channel, message: token }]
  })
}

/** Keeps what a step has made of the permits. */
export function saved<Result>(
  open: Permits,
  now: number,
  result: Result,
  publish: readonly Message[],
): Transition<Permits, Result> {
  const { fence, permits, holders, waiters } = open
  const ttlMs = Math.max(KEPT_MS, ...holders.map(({ endsAt }) => endsAt - now))
  return { result, next: { state: { fence, permits, holders, waiters }, ttlMs }, publish }
}

/**
 * What a step begins with, in Lua, for a `luaPrelude`: `look()`. Most steps find nobody else there, and take a short way from here, by
 * `held` and `line` as they stand in Redis, or by `alone`, the fence of who alone holds a lease. The permits count for those who
 * wait, and who comes to wait sets them.
 */
export const lookLua: string = `
  ${fenceLua}
  local fence, permits, held, line, length
  local function look()
    fence, permits, held, line, length = read('fence', 'permits', 'holders', 'line', 'length')
    fence, held, line = tonumber(fence) or 0, held or '', line or ''
  end
  local function alone(token)
    if line ~= '' then return nil end
    local owner, given, ends = string.match(held, '^(%S+) (%S+) (%S+) %S+$')
    if owner == token and tonumber(ends) > now then return given end
  end
  local function holding(token, given, ends, lease)
    return token .. ' ' .. given .. ' ' .. exact(ends) .. ' ' .. exact(lease)
  end
`

/**
 * The same in Lua, for the others, after `look()`. The line is one string, `;token address until` for each waiter: `front` has those
 * that were brought up from it, `line` the rest, which is searched but not taken apart, and `length` is how long both are together.
 */
export const permitsLua: string = `
  permits, length = tonumber(permits) or 1, tonumber(length) or 0
  local holders, front, clamped = {}, {}, false
  local function clamp(moment, latest)
    if moment <= latest then return moment end
    clamped = true
    return latest
  end
  for token, given, ends, lease in string.gmatch(held, '(%S+) (%S+) (%S+) (%S+)') do
    lease = tonumber(lease)
    ends = clamp(tonumber(ends), now + lease)
    if ends > now then holders[#holders + 1] = { token = token, fence = given, ends = ends, lease = lease } end
  end
  local function place_of(token, list)
    for i = 1, #list do
      if list[i].token == token then return i end
    end
  end
  local function leases_left()
    return math.max(0, permits - #holders)
  end
  local function bring_up()
    local at = 1
    while #front <= leases_left() do
      local token, address, ends, after = string.match(line, '^;(%S+) (%S*) (%d+)()', at)
      if not token then break end
      at, ends = after, clamp(tonumber(ends), now + ${ALIVE_MS})
      if ends > now then front[#front + 1] = { token = token, address = address, ends = ends } else length = length - 1 end
    end
    if at > 1 then line = string.sub(line, at) end
  end
  local function entry(token, address, ends)
    return ';' .. token .. ' ' .. address .. ' ' .. exact(ends)
  end
  local function replace_in_line(token, by)
    local from = string.find(line, ';' .. token .. ' ', 1, true)
    if not from then return false end
    local _, to = string.find(line, '^;%S+ %S* %d+', from)
    line = string.sub(line, 1, from - 1) .. by .. string.sub(line, to + 1)
    return true
  end
  local function claimants()
    return math.min(leases_left(), #front)
  end
  local function tell()
    bring_up()
    local told = false
    for i = 1, claimants() do
      local waiter = front[i]
      if waiter.address ~= '' then
        publish(waiter.address, waiter.token)
        waiter.address, waiter.ends, told = '', now + ${CLAIM_MS}, true
      end
    end
    return told
  end
  local function save()
    local lasts, leases, entries = ${KEPT_MS}, {}, {}
    for i, holder in ipairs(holders) do
      lasts = math.max(lasts, holder.ends - now)
      leases[i] = holding(holder.token, holder.fence, holder.ends, holder.lease)
    end
    for i, waiter in ipairs(front) do entries[i] = entry(waiter.token, waiter.address, waiter.ends) end
    update(
      lasts, 'fence', exact(fence), 'permits', permits, 'holders', table.concat(leases, ' '),
      'line', table.concat(entries) .. line, 'length', length
    )
  end
`
