import { defineOperation, type Operation } from '@holdfast/adapter'
import { fenceLua, nextFence } from '@holdfast/adapter/lease'
import { type KeyRecord, NO_BYTES, type Outcome } from './record.ts'

/** How many processes can be woken by one run; others look again by themselves. */
const MOST_ADDRESSES = 1_000

export interface BeginArgs {
  /** Who asks: made by `newToken`, and the same each time that it looks again. */
  readonly token: string
  readonly fingerprint: string
  readonly leaseMs: number
  /** For how long the record is kept, from now on: at least `leaseMs`. */
  readonly keepMs: number
  /** Where it hears of the end of a run; '' when it hears nothing, or does not wait. */
  readonly address: string
}

export type BeginResult =
  /** It runs, by its token. */
  | { readonly state: 'begun'; readonly attempt: number; readonly fence: number }
  /** Another one does, until its lease ends, if it is not renewed. */
  | { readonly state: 'in-progress'; readonly retryInMs: number }
  /** One has run. */
  | { readonly state: 'ended'; readonly outcome: Outcome; readonly bytes: Uint8Array }
  /** The key was used for something else. */
  | { readonly state: 'mismatch' }

/**
 * Begins a run, if the key was not used, or its run was freed or has lost its lease.
 *
 * Asking again with the same token is no second run: it succeeds and renews the first, as it must after a lost reply.
 */
export const begin: Operation<KeyRecord, BeginArgs, BeginResult> = defineOperation<KeyRecord, BeginArgs, BeginResult>({
  name: 'idempotency.begin',

  step(state, { token, fingerprint, leaseMs, keepMs, address }, now) {
    if (state !== undefined) {
      const { outcome, bytes } = state
      if (state.fingerprint !== '' && state.fingerprint !== fingerprint) return { result: { state: 'mismatch' } }
      if (outcome !== '') return { result: { state: 'ended', outcome, bytes } }
      if (state.token === token) {
        const { attempt, fence } = state
        const renewed = { ...state, until: now + leaseMs, leaseMs }
        return { result: { state: 'begun', attempt, fence }, next: { state: renewed, ttlMs: keepMs } }
      }
      const until = Math.min(state.until, now + state.leaseMs)
      if (state.token !== '' && until > now) {
        const result = { state: 'in-progress', retryInMs: until - now } as const
        const { addresses } = state
        const joins = address !== '' && !addresses.includes(address) && addresses.length < MOST_ADDRESSES
        if (!joins && until === state.until) return { result }
        const waiting = joins ? [...addresses, address] : addresses
        const ttlMs = Math.max(keepMs, until - now)
        return { result, next: { state: { ...state, until, addresses: waiting }, ttlMs } }
      }
    }
    const attempt = (state?.attempt ?? 0) + 1
    const fence = nextFence(state?.fence ?? 0, now)
    const addresses = state?.addresses ?? []
    const until = now + leaseMs
    const begun = { attempt, fence, fingerprint, token, until, leaseMs, addresses, outcome: '', bytes: NO_BYTES } as const
    return { result: { state: 'begun', attempt, fence }, next: { state: begun, ttlMs: keepMs } }
  },

  lua: `
    local token, print, lease, keep, address = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5]
    ${fenceLua}
    local holder, attempt, fence, payload, stored, length, addresses, outcome =
      read('token', 'attempt', 'fence', 'print', 'until', 'lease', 'addresses', 'outcome')
    addresses = addresses or ''
    if holder then
      if payload ~= '' and payload ~= print then return { 3 } end
      if outcome ~= '' then return { 2, outcome, (read('bytes')) } end
      if holder == token then
        update(keep, 'until', now + lease, 'lease', lease)
        return { 0, attempt, fence }
      end
      stored = tonumber(stored)
      local till = math.min(stored, now + tonumber(length))
      if holder ~= '' and till > now then
        local _, waiting = string.gsub(addresses, '%S+', '')
        local joins = address ~= '' and waiting < ${MOST_ADDRESSES} and not string.find(' ' .. addresses .. ' ', ' ' .. address .. ' ', 1, true)
        if joins then addresses = addresses .. (addresses == '' and '' or ' ') .. address end
        if joins or till ~= stored then update(math.max(keep, till - now), 'until', till, 'addresses', addresses) end
        return { 1, till - now }
      end
    end
    attempt, fence = (tonumber(attempt) or 0) + 1, exact(next_fence(tonumber(fence) or 0))
    write(
      keep, 'token', token, 'attempt', attempt, 'fence', fence, 'print', print, 'until', now + lease, 'lease', lease,
      'addresses', addresses, 'outcome', ''
    )
    return { 0, attempt, fence }
  `,

  encode: ({ token, fingerprint, leaseMs, keepMs, address }) => [token, fingerprint, leaseMs, keepMs, address],
  decode([state, first, second]) {
    if (state === 0) return { state: 'begun', attempt: Number(first), fence: Number(second) }
    if (state === 1) return { state: 'in-progress', retryInMs: Number(first) }
    if (state === 3) return { state: 'mismatch' }
    return { state: 'ended', outcome: outcomeOf(first), bytes: bytesOf(second) }
  },
})

export function outcomeOf(reply: unknown): Outcome {
  return String(reply) as Outcome // as `commit` wrote it
}

export function bytesOf(reply: unknown): Uint8Array {
  return reply instanceof Uint8Array ? reply : NO_BYTES
}
