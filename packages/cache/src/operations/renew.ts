import { defineOperation, type Operation } from '@holdfast/adapter'
import { type Load, REMEMBERED_MS } from './load.ts'

export interface RenewArgs {
  readonly token: string
  readonly leaseMs: number
}

/** Goes on with a load for `leaseMs` from now. False when it has lost its lease. */
export const renew: Operation<Load, RenewArgs, boolean> = defineOperation({
  name: 'cache.renew',

  step(state: Load | undefined, { token, leaseMs }, now) {
    if (state?.token !== token) return { result: false }
    return { result: true, next: { state: { ...state, until: now + leaseMs, leaseMs }, ttlMs: leaseMs + REMEMBERED_MS } }
  },

  lua: `
    local token, leaseMs = ARGV[1], tonumber(ARGV[2])
    if read('token') ~= token then return { 0 } end
    update(leaseMs + ${REMEMBERED_MS}, 'until', now + leaseMs, 'lease', leaseMs)
    return { 1 }
  `,

  encode: ({ token, leaseMs }) => [token, leaseMs],
  decode: ([renewed]) => renewed === 1,
})
