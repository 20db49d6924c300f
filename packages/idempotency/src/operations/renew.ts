import { defineOperation, type Operation } from '@holdfast/adapter'
import { type KeyRecord, NO_BYTES, type RunArgs } from './record.ts'

export interface RenewArgs extends RunArgs {
  readonly leaseMs: number
}

/**
 * Goes on with a run for `leaseMs` from now. False when it has ended, was freed, or another has begun.
 *
 * For a run that still has its lease by its own clock: a record that is gone was lost, and is made again.
 */
export const renew: Operation<KeyRecord, RenewArgs, boolean> = defineOperation<KeyRecord, RenewArgs, boolean>({
  name: 'idempotency.renew',

  step(state, { token, attempt, fence, fingerprint, keepMs, leaseMs }, now) {
    const until = now + leaseMs
    if (state !== undefined) {
      if (state.token !== token || state.outcome !== '') return { result: false }
      return { result: true, next: { state: { ...state, until, leaseMs }, ttlMs: keepMs } }
    }
    const lost = { attempt, fence, fingerprint, token, until, leaseMs, addresses: [], outcome: '', bytes: NO_BYTES } as const
    return { result: true, next: { state: lost, ttlMs: keepMs } }
  },

  lua: `
    local token, attempt, fence, print, keep, lease = ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5]), tonumber(ARGV[6])
    local holder, outcome = read('token', 'outcome')
    if holder and (holder ~= token or outcome ~= '') then return { 0 } end
    if holder then
      update(keep, 'until', now + lease, 'lease', lease)
    else
      write(
        keep, 'token', token, 'attempt', attempt, 'fence', fence, 'print', print, 'until', now + lease, 'lease', lease,
        'addresses', '', 'outcome', ''
      )
    end
    return { 1 }
  `,

  encode: ({ token, attempt, fence, fingerprint, keepMs, leaseMs }) => [token, attempt, fence, fingerprint, keepMs, leaseMs],
  decode: ([renewed]) => renewed === 1,
})
