import { defineOperation, type Operation } from '@holdfast/adapter'
import { bytesOf, outcomeOf } from './begin.ts'
import { type KeyRecord, type Outcome, type RunArgs, told, toldLua } from './record.ts'

export interface CommitArgs extends RunArgs {
  readonly outcome: Outcome
  readonly bytes: Uint8Array
  /** Whether the run still has its lease, by its own clock: a record that is gone then was lost, and nobody else has begun. */
  readonly held: boolean
  /** What those who wait listen to. */
  readonly wake: string
}

export type CommitResult =
  | { readonly state: 'committed' }
  /** Another run has the key: it is going on, or has ended. */
  | { readonly state: 'in-progress'; readonly retryInMs: number }
  | { readonly state: 'ended'; readonly outcome: Outcome; readonly bytes: Uint8Array }
  /** The key was freed meanwhile, or lost. */
  | { readonly state: 'lost' }

/** Ends a run, and keeps what it gave: if nobody has begun another since. Doing it again is no error. */
export const commit: Operation<KeyRecord, CommitArgs, CommitResult> = defineOperation<KeyRecord, CommitArgs, CommitResult>({
  name: 'idempotency.commit',

  step(state, { token, attempt, fence, fingerprint, keepMs, outcome, bytes, held, wake }, now) {
    if (state === undefined && !held) return { result: { state: 'lost' } }
    if (state !== undefined && state.token !== token) {
      if (state.token === '' || state.fingerprint !== fingerprint) return { result: { state: 'lost' } }
      if (state.outcome !== '') return { result: { state: 'ended', outcome: state.outcome, bytes: state.bytes } }
      const retryInMs = Math.min(state.until - now, state.leaseMs)
      return { result: retryInMs > 0 ? { state: 'in-progress', retryInMs } : { state: 'lost' } }
    }
    if (state !== undefined && state.outcome !== '') return { result: { state: 'committed' } }
    const record = { attempt, fence, fingerprint, token, until: 0, leaseMs: 0, addresses: [], outcome, bytes }
    const next = { state: record, ttlMs: keepMs }
    return told(state?.addresses ?? [], wake, { result: { state: 'committed' }, next })
  },

  lua: `
    local token, attempt, fence, print, keep = ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])
    local outcome, bytes, held, wake = ARGV[6], ARGV[7], ARGV[8] == '1', ARGV[9]
    ${toldLua}
    local holder, payload, stored, length, addresses, ended = read('token', 'print', 'until', 'lease', 'addresses', 'outcome')
    if not holder and not held then return { 3 } end
    if holder and holder ~= token then
      if holder == '' or payload ~= print then return { 3 } end
      if ended ~= '' then return { 2, ended, (read('bytes')) } end
      local left = math.min(tonumber(stored) - now, tonumber(length))
      if left > 0 then return { 1, left } end
      return { 3 }
    end
    if holder and ended ~= '' then return { 0 } end
    write(
      keep, 'token', token, 'attempt', attempt, 'fence', fence, 'print', print, 'until', 0, 'lease', 0, 'addresses', '',
      'outcome', outcome, 'bytes', bytes
    )
    tell(addresses, wake)
    return { 0 }
  `,

  encode: ({ token, attempt, fence, fingerprint, keepMs, outcome, bytes: { buffer, byteOffset, byteLength }, held, wake }) => [
    token,
    attempt,
    fence,
    fingerprint,
    keepMs,
    outcome,
    Buffer.from(buffer, byteOffset, byteLength),
    held ? 1 : 0,
    wake,
  ],
  decode([state, first, second]) {
    if (state === 0) return { state: 'committed' }
    if (state === 1) return { state: 'in-progress', retryInMs: Number(first) }
    return state === 2 ? { state: 'ended', outcome: outcomeOf(first), bytes: bytesOf(second) } : { state: 'lost' }
  },

  bytesOf: ({ bytes }) => bytes.byteLength,
})
