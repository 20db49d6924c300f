import { defineOperation, type Operation } from '../operation.ts'

/** Adds to a number that lives for `ttlMs`: what the contract runs on an adapter. */
export const count: Operation<{ total: number }, { by: number; ttlMs: number }, number> = defineOperation({
  name: 'contract.count',
  step(state, { by, ttlMs }) {
    const total = (state?.total ?? 0) + by
    return { result: total, next: { state: { total }, ttlMs } }
  },
  lua: `
    local by, ttl = tonumber(ARGV[1]), tonumber(ARGV[2])
    local total = (tonumber(read('total')) or 0) + by
    write(ttl, 'total', total)
    return { total }
  `,
  encode: ({ by, ttlMs }) => [by, ttlMs],
  decode: ([total]) => Number(total),
})

/** Deletes the number, tells a channel of it, and says whether there was one. */
export const drop: Operation<{ total: number }, { channel: string; message: string }, boolean> = defineOperation({
  name: 'contract.drop',
  step: (state, { channel, message }) => ({
    result: state !== undefined,
    next: null,
    publish: [{ channel, message }],
  }),
  lua: `
    local channel, message = ARGV[1], ARGV[2]
    local total = read('total')
    delete()
    publish(channel, message)
    return { total and 1 or 0 }
  `,
  encode: ({ channel, message }) => [channel, message],
  decode: ([dropped]) => dropped === 1,
})

/** Tells a channel of several things. */
export const tell: Operation<never, { channel: string; messages: string[] }, void> = defineOperation({
  name: 'contract.tell',
  step: (_state, { channel, messages }) => ({ result: undefined, publish: messages.map((message) => ({ channel, message })) }),
  lua: `
    for i = 2, #ARGV do publish(ARGV[1], ARGV[i]) end
    return {}
  `,
  encode: ({ channel, messages }) => [channel, ...messages],
  decode: () => undefined,
})
