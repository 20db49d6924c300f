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

/** Permits as they count now, a copy. */
export interface Opened extends Permits {
  /** Whether something lay further ahead than can be: the clock was set back, and what is clamped has to be kept. */
  clamped: boolean
}

/** How long a waiter is waited for that does not look again; it does so every 2 s at the least. */
export const ALIVE_MS = 5_000
/** How long one that was told may take to claim its turn. */
const CLAIM_MS = 1_000
/** For how long a fence is kept that nobody holds: by so much the clock may be set back without a token coming twice. */
const KEPT_MS = 60_000

export function opened(state: Permits | undefined, now: number): Opened {
  let clamped = false
  function clamp(moment: number, aheadMs: number): number {
    if (moment <= now + aheadMs) return moment
    clamped = true
    return now + aheadMs
  }
  const { fence = 0, permits = 1, holders = [], waiters = [] } = state ?? {}
  return {
    fence,
    permits,
    holders: holders.map((each) => ({ ...each, endsAt: clamp(each.endsAt, each.leaseMs) })).filter((each) => each.endsAt > now),
    waiters: waiters.map((each) => ({ ...each, until: clamp(each.until, ALIVE_MS) })).filter((each) => each.until > now),
    clamped,
  }
}

/** The waiters whose turn it is: as many as there are leases left. */
export function claimants({ permits, holders, waiters }: Permits): Waiter[] {
  return waiters.slice(0, Math.max(0, permits - holders.length))
}

/** Those whose turn has come, and who have not been told: they are, and have to claim it soon. */
export function told(open: Permits, now: number): Message[] {
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

/** The same in Lua: what `opened` gives, as locals, and `position_of`, `claimants`, `tell` and `save`. */
export const permitsLua: string = `
  ${fenceLua}
  local fence, permits, held, queued = read('fence', 'permits', 'holders', 'waiters')
  fence, permits = tonumber(fence) or 0, tonumber(permits) or 1
  local holders, waiters, clamped = {}, {}, false
  local function clamp(moment, ahead)
    if moment <= now + ahead then return moment end
    clamped = true
    return now + ahead
  end
  for token, given, ends, lease in string.gmatch(held or '', '(%S+) (%S+) (%S+) (%S+)') do
    lease = tonumber(lease)
    ends = clamp(tonumber(ends), lease)
    if ends > now then holders[#holders + 1] = { token = token, fence = given, ends = ends, lease = lease } end
  end
  for token, address, ends in string.gmatch(queued or '', '(%S+) (%S*) (%S+)') do
    ends = clamp(tonumber(ends), ${ALIVE_MS})
    if ends > now then waiters[#waiters + 1] = { token = token, address = address, ends = ends } end
  end
  local function position_of(token, list)
    for i = 1, #list do
      if list[i].token == token then return i end
    end
  end
  local function claimants()
    return math.max(0, math.min(permits - #holders, #waiters))
  end
  local function tell()
    local told = false
    for i = 1, claimants() do
      local waiter = waiters[i]
      if waiter.address ~= '' then
        publish(waiter.address, waiter.token)
        waiter.address, waiter.ends, told = '', now + ${CLAIM_MS}, true
      end
    end
    return told
  end
  local function save()
    local lasts, lines, names = ${KEPT_MS}, {}, {}
    for i, holder in ipairs(holders) do
      lasts = math.max(lasts, holder.ends - now)
      lines[i] = table.concat({ holder.token, holder.fence, exact(holder.ends), exact(holder.lease) }, ' ')
    end
    for i, waiter in ipairs(waiters) do
      names[i] = table.concat({ waiter.token, waiter.address, exact(waiter.ends) }, ' ')
    end
    update(lasts, 'fence', exact(fence), 'permits', permits, 'holders', table.concat(lines, ' '), 'waiters', table.concat(names, ' '))
  end
`
