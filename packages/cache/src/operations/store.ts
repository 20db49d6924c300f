import { defineOperation, type Operation } from '@holdfast/adapter'
import { ended, endedLua, type Load, NO_LOAD } from './load.ts'

export interface StoreArgs {
  /**
   * The load that the value comes from: it is refused when its lease was broken. Or the id of the value that it takes the place of: it is
   * refused when that has gone, or somebody loads. '' stores it whatever happens, and breaks a lease.
   */
  readonly token: string
  /** The value's own id, new each time. */
  readonly id: string
  readonly bytes: Uint8Array
  readonly ttlMs: number
  /** What those who wait for the load listen to. */
  readonly wake: string
  /** The channel on which copies in other processes are told to go, and the message; '' for none. */
  readonly channel: string
  readonly message: string
}

/** Keeps a value, and ends the load of its key. False when the load had lost its lease, or what was there has gone: nothing is kept. */
export const store: Operation<Load, StoreArgs, boolean> = defineOperation({
  name: 'cache.store',
  value: true,

  step(state: Load = NO_LOAD, { token, id, bytes, ttlMs, wake, channel, message }) {
    const takesPlace = token === state.last && state.token === ''
    if (token !== '' && token !== state.token && !takesPlace) return { result: false }
    const { publish = [], ...transition } = ended(state, { last: id }, true, wake)
    const copies = channel === '' ? [] : [{ channel, message }]
    return { ...transition, value: { bytes, ttlMs }, publish: [...publish, ...copies] }
  },

  lua: `
    local token, id, bytes, ttl, wake, channel, message = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7]
    ${endedLua}
    local holder, addresses, last = read('token', 'addresses', 'last')
    local takesPlace = token == last and holder == ''
    if token ~= '' and token ~= holder and not takesPlace then return { 0 } end
    write_value(ttl, bytes)
    ended(addresses, wake, id, '', '')
    if channel ~= '' then publish(channel, message) end
    return { 1 }
  `,

  encode: ({ token, id, bytes: { buffer, byteOffset, byteLength }, ttlMs, wake, channel, message }) => [
    token,
    id,
    Buffer.from(buffer, byteOffset, byteLength),
    ttlMs,
    wake,
    channel,
    message,
  ],
  decode: ([stored]) => stored === 1,
})
