import { defineOperation, type Operation } from '@holdfast/adapter'
import { ended, endedLua, type Load } from './load.ts'

export interface SettleArgs {
  readonly token: string
  /** What became of the load, for those who wait for it; '' for nothing: one of them loads. */
  readonly outcome: string
  readonly wake: string
}

/** Ends a load without a value to keep. False when it had lost its lease. */
export const settle: Operation<Load, SettleArgs, boolean> = defineOperation({
  name: 'cache.settle',

  step(state: Load | undefined, { token, outcome, wake }) {
    if (state?.token !== token) return { result: false }
    return ended(state, { last: state.last, settled: outcome === '' ? '' : token, outcome }, true, wake)
  },

  lua: `
    local token, outcome, wake = ARGV[1], ARGV[2], ARGV[3]
    ${endedLua}
    local holder, addresses, last = read('token', 'addresses', 'last')
    if token ~= holder then return { 0 } end
    ended(addresses, wake, last, outcome ~= '' and token or '', outcome)
    return { 1 }
  `,

  encode: ({ token, outcome, wake }) => [token, outcome, wake],
  decode: ([settled]) => settled === 1,
})
