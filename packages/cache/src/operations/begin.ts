import { defineOperation, type Operation } from '@holdfast/adapter'
import { type Load, NO_LOAD, REMEMBERED_MS } from './load.ts'

/** How many processes can be woken by one load; others look again by themselves. */
const MOST_ADDRESSES = 1_000

export interface BeginArgs {
  /** Who asks: made by `newToken`. */
  readonly token: string
  readonly leaseMs: number
  /** The id of the value that the caller saw, which it cannot use; '' when there was none. */
  readonly seen: string
  /** The token of the load that it has waited for; '' when it has not waited. */
  readonly waitedFor: string
  /** Where it hears of the end of a load; '' when it hears nothing, or does not wait. */
  readonly address: string
}

export type BeginResult =
  /** It loads, by its token. */
  | { readonly state: 'lead' }
  /** Another one does, until its lease ends, if it is not renewed. */
  | { readonly state: 'held'; readonly token: string; readonly retryInMs: number }
  /** Since it looked a value was stored: it has to look again. */
  | { readonly state: 'changed'; readonly id: string }
  /** The load that it waited for has ended without a value. */
  | { readonly state: 'settled'; readonly outcome: string }

/** Begins a load, if nobody else is at it and no value has come since the caller looked. */
export const begin: Operation<Load, BeginArgs, BeginResult> = defineOperation<Load, BeginArgs, BeginResult>({
  name: 'cache.begin',

  step(state = NO_LOAD, { token, leaseMs, seen, waitedFor, address }, now) {
    const { addresses, last, settled, outcome } = state
    if (settled !== '' && settled === waitedFor) return { result: { state: 'settled', outcome } }
    if (last !== '' && last !== seen) return { result: { state: 'changed', id: last } }
    const until = Math.min(state.until, now + state.leaseMs)
    if (state.token !== '' && state.token !== token && until > now) {
      const result = { state: 'held', token: state.token, retryInMs: until - now } as const
      const joins = address !== '' && !addresses.includes(address) && addresses.length < MOST_ADDRESSES
      if (!joins && until === state.until) return { result }
      const waiting = joins ? [...addresses, address] : addresses
      return { result, next: { state: { ...state, until, addresses: waiting }, ttlMs: until - now + REMEMBERED_MS } }
    }
    const load = { ...state, token, until: now + leaseMs, leaseMs, settled: '', outcome: '' }
    return { result: { state: 'lead' }, next: { state: load, ttlMs: leaseMs + REMEMBERED_MS } }
  },

  lua: `
    local token, leaseMs, seen, waitedFor, address = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4], ARGV[5]
    local holder, stored, length, addresses, last, settled, outcome = read('token', 'until', 'lease', 'addresses', 'last', 'settled', 'outcome')
    addresses, last = addresses or '', last or ''
    if settled and settled ~= '' and settled == waitedFor then return { 3, outcome } end
    if last ~= '' and last ~= seen then return { 2, last } end
    stored = tonumber(stored) or 0
    local till = math.min(stored, now + (tonumber(length) or 0))
    if holder and holder ~= '' and holder ~= token and till > now then
      local _, waiting = string.gsub(addresses, '%S+', '')
      local joins = address ~= '' and waiting < ${MOST_ADDRESSES} and not string.find(' ' .. addresses .. ' ', ' ' .. address .. ' ', 1, true)
      if joins then addresses = addresses .. (addresses == '' and '' or ' ') .. address end
      if joins or till ~= stored then update(till - now + ${REMEMBERED_MS}, 'until', till, 'addresses', addresses) end
      return { 1, holder, till - now }
    end
    write(
      leaseMs + ${REMEMBERED_MS}, 'token', token, 'until', now + leaseMs, 'lease', leaseMs, 'addresses', addresses, 'last', last,
      'settled', '', 'outcome', ''
    )
    return { 0 }
  `,

  encode: ({ token, leaseMs, seen, waitedFor, address }) => [token, leaseMs, seen, waitedFor, address],
  decode([state, text, retryInMs]) {
    if (state === 0) return { state: 'lead' }
    if (state === 1) return { state: 'held', token: String(text), retryInMs: Number(retryInMs) }
    return state === 2 ? { state: 'changed', id: String(text) } : { state: 'settled', outcome: String(text) }
  },
})
