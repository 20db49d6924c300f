import { defineOperation, type Operation } from '../operation.ts'
import { nextFence } from './fence.ts'
import {
  ALIVE_MS,
  claimants,
  KEPT_MS,
  leasesLeft,
  lookLua,
  opened,
  type Permits,
  permitsLua,
  saved,
  told,
  type Waiter,
} from './permits.ts'

/** How many can wait in line for one subject. Whoever comes then has no place, and only looks again. */
const MAX_WAITERS = 1_000
export const OFTEN_MS = 1_000
const RARELY_MS = 2_000

export interface AcquireArgs {
  /** Who asks: made by `newToken`, and the same each time that it looks again. */
  readonly token: string
  readonly leaseMs: number
  /** How many may hold a lease at once: 1 is a lock. */
  readonly permits: number
  /** Whether to wait in line, when there is none left. */
  readonly wait: boolean
  /** The channel on which the waiter hears its token when its turn has come: the `address` of an inbox. '' when it hears nothing. */
  readonly address: string
}

export type AcquireResult =
  | {
      readonly state: 'held'
      /** Greater than that of any lease before. */
      readonly fence: number
    }
  | {
      /** It is in line, and has to look again after this time, if it is not told before: to be seen alive, and to see what ended. */
      readonly state: 'waiting'
      readonly retryInMs: number
    }
  | {
      /** Until the next lease ends, if it is neither renewed nor given back. */
      readonly state: 'busy'
      readonly retryInMs: number
    }

/**
 * Takes a lease, if one is left that no live waiter has a claim to; else waits for one in line, or leaves.
 *
 * Asking again with the same token is no second lease: it succeeds and renews the first, as it must after a lost reply, or keeps its
 * place in line.
 */
export const acquire: Operation<Permits, AcquireArgs, AcquireResult> = defineOperation<Permits, AcquireArgs, AcquireResult>({
  name: 'lease.acquire',

  step(state, { token, leaseMs, permits, wait, address }, now) {
    const open = opened(state, now, permits)
    const { holders, waiters } = open
    const own = holders.find((each) => each.token === token)
    if (own !== undefined) {
      own.endsAt = now + leaseMs
      own.leaseMs = leaseMs
      return saved(open, now, { state: 'held', fence: own.fence }, told(open, now))
    }
    const place = placeOf(token, waiters)
    if (place < leasesLeft(open)) {
      waiters.splice(place, 1)
      open.fence = nextFence(open.fence, now)
      holders.push({ token, fence: open.fence, endsAt: now + leaseMs, leaseMs })
      return saved(open, now, { state: 'held', fence: open.fence }, told(open, now))
    }
    if (wait && place < MAX_WAITERS) waiters[place] = { token, address, until: now + ALIVE_MS }
    const publish = told(open, now)
    if (wait) return saved(open, now, { state: 'waiting', retryInMs: looksAgainInMs(token, open, now) }, publish)
    const result = { state: 'busy', retryInMs: nextEnd(open) - now } as const
    return open.clamped || publish.length > 0 ? saved(open, now, result, publish) : { result }
  },

  luaPrelude: lookLua,

  lua: `
    local token, lease, wait, address = ARGV[1], tonumber(ARGV[2]), ARGV[4] == '1', ARGV[5]
    look()
    if held == '' and line == '' then
      local given = exact(next_fence(fence))
      update(math.max(${KEPT_MS}, lease), 'fence', given, 'holders', holding(token, given, now + lease, lease))
      return { 1, given }
    end
    ${permitsLua}
    permits = tonumber(ARGV[3])
    bring_up()
    local own = holders[place_of(token, holders)]
    if own then
      own.ends, own.lease = now + lease, lease
      tell()
      save()
      return { 1, own.fence }
    end
    local place = place_of(token, front) or length + 1
    if place <= leases_left() then
      if table.remove(front, place) then length = length - 1 end
      fence = next_fence(fence)
      holders[#holders + 1] = { token = token, fence = exact(fence), ends = now + lease, lease = lease }
      tell()
      save()
      return { 1, exact(fence) }
    end
    if wait then
      local alive = now + ${ALIVE_MS}
      if place <= #front then
        front[place] = { token = token, address = address, ends = alive }
      elseif not replace_in_line(token, entry(token, address, alive)) and length < ${MAX_WAITERS} then
        line, length = line .. entry(token, address, alive), length + 1
      end
    end
    local told, claims = tell(), claimants()
    if wait or clamped or told then save() end
    local ends = math.huge
    for i = 1, claims do ends = math.min(ends, front[i].ends - now) end
    for _, holder in ipairs(holders) do ends = math.min(ends, holder.ends - now) end
    if not wait then return { 0, ends } end
    local next = front[claims + 1]
    if not next or next.token ~= token then return { 2, ${RARELY_MS} } end
    if claims > 0 then return { 2, math.min(${RARELY_MS}, ends) } end
    if ends >= ${RARELY_MS} then return { 2, ${OFTEN_MS} } end
    return { 2, math.max(${OFTEN_MS}, ends) }
  `,

  encode: ({ token, leaseMs, permits, wait, address }) => [token, leaseMs, permits, wait ? 1 : 0, address],

  decode: ([state, number]) => {
    if (state === 1) return { state: 'held', fence: Number(number) }
    return { state: state === 2 ? 'waiting' : 'busy', retryInMs: Number(number) }
  },
})

/** Its place in line, from 0 on: the last one when it is not in it yet. */
function placeOf(token: string, waiters: readonly Waiter[]): number {
  const place = waiters.findIndex((each) => each.token === token)
  return place === -1 ? waiters.length : place
}

/**
 * When a waiter has to look again. The next in line looks when a turn ends that is not claimed, and when a lease ends by itself, but
 * for a lease not more than once a second; the others have only to be seen alive.
 */
function looksAgainInMs(token: string, open: Permits, now: number): number {
  const claims = claimants(open).length
  if (open.waiters[claims]?.token !== token) return RARELY_MS
  const endsInMs = nextEnd(open) - now
  if (claims > 0) return Math.min(RARELY_MS, endsInMs)
  return endsInMs >= RARELY_MS ? OFTEN_MS : Math.max(OFTEN_MS, endsInMs)
}

/** When the next lease ends by itself, or the time to claim one. */
function nextEnd(open: Permits): number {
  return Math.min(...claimants(open).map(({ until }) => until), ...open.holders.map(({ endsAt }) => endsAt))
}
