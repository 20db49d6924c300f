import { defineOperation, type Operation } from '@holdfast/adapter'
import { type KeyRecord, NO_BYTES, told, toldLua } from './record.ts'

export interface CancelArgs {
  /** The run whose key is freed, if it is still going on; '' frees the key whatever there is. */
  readonly token: string
  /** For how long it is remembered how often the key was begun. */
  readonly keepMs: number
  readonly wake: string
}

/** Frees a key: the next who asks runs, whatever it asks for. False when there is nothing to free. */
export const cancel: Operation<KeyRecord, CancelArgs, boolean> = defineOperation<KeyRecord, CancelArgs, boolean>({
  name: 'idempotency.cancel',

  step(state, { token, keepMs, wake }) {
    if (state === undefined || state.token === '') return { result: false }
    if (token !== '' && (token !== state.token || state.outcome !== '')) return { result: false }
    const { attempt, fence, addresses } = state
    const freed = { attempt, fence, fingerprint: '', token: '', until: 0, leaseMs: 0, addresses: [], outcome: '' } as const
    return told(addresses, wake, { result: true, next: { state: { ...freed, bytes: NO_BYTES }, ttlMs: keepMs } })
  },

  lua: `
    local token, keep, wake = ARGV[1], tonumber(ARGV[2]), ARGV[3]
    ${toldLua}
    local holder, attempt, fence, addresses, outcome = read('token', 'attempt', 'fence', 'addresses', 'outcome')
    if not holder or holder == '' then return { 0 } end
    if token ~= '' and (token ~= holder or outcome ~= '') then return { 0 } end
    write(
      keep, 'token', '', 'attempt', attempt, 'fence', fence, 'print', '', 'until', 0, 'lease', 0, 'addresses', '', 'outcome', ''
    )
    tell(addresses, wake)
    return { 1 }
  `,

  encode: ({ token, keepMs, wake }) => [token, keepMs, wake],
  decode: ([freed]) => freed === 1,
})
