import { defineOperation, type Operation } from './operation.ts'

/** A message to a channel, as a step: so that on a Cluster the channel's slot says by which master it goes. */
export const publishMessage: Operation<never, { channel: string; message: string }, void> = defineOperation({
  name: 'event.publish',
  step: (_state, told) => ({ result: undefined, publish: [told] }),
  lua: `
    publish(ARGV[1], ARGV[2])
    return {}
  `,
  encode: ({ channel, message }) => [channel, message],
  decode: () => undefined,
})
