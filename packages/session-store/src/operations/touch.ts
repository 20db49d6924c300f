import { defineOperation, type Operation } from '@holdfast/adapter'

/** Moves the end of a session, and leaves what it holds. False when there is none. */
export const touch: Operation<Uint8Array, { ttlMs: number }, boolean> = defineOperation({
  name: 'session.touch',
  state: 'string',

  step(state: Uint8Array | undefined, { ttlMs }) {
    return state === undefined ? { result: false } : { result: true, next: { state, ttlMs } }
  },

  lua: `
    if not read() then return { 0 } end
    expire(tonumber(ARGV[1]))
    return { 1 }
  `,

  encode: ({ ttlMs }) => [ttlMs],
  decode: ([found]) => found === 1,
})
