import { defineOperation, type Operation } from '@holdfast/adapter'
import { endedLua, type Load } from './load.ts'

export interface DropArgs {
  readonly wake: string
  /** The channel on which copies in other processes are told to go, and the message. */
  readonly channel: string
  readonly message: string
}

/** Drops a value, and breaks the lease of the load that would store it again. */
export const drop: Operation<Load, DropArgs, void> = defineOperation({
  name: 'cache.drop',
  value: true,

  step(state: Load | undefined, { wake, channel, message }) {
    const waiting = (state?.addresses ?? []).map((address) => ({ channel: address, message: wake }))
    return { result: undefined, next: null, value: null, publish: [...waiting, { channel, message }] }
  },

  lua: `
    local wake, channel, message = ARGV[1], ARGV[2], ARGV[3]
    ${endedLua}
    tell(read('addresses'), wake)
    delete_value()
    delete()
    publish(channel, message)
    return {}
  `,

  encode: ({ wake, channel, message }) => [wake, channel, message],
  decode: () => undefined,
})
