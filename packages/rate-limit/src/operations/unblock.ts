import { defineOperation, type Operation } from '@holdfast/adapter'
import { ringKeys } from './algorithms.ts'
import { encodedUsage, opened, saved, savedBesides, type Usage, type UsageArgs } from './usage.ts'
import { OPEN, saveLua, USAGE } from './usage-lua.ts'

export interface UnblockArgs extends UsageArgs {
  /** Where to say `message`, to those who refuse the subject from memory. */
  readonly channel: string
  readonly message: string
}

/** Ends a block and forgets earlier ones; what was used stays. Tells whether there was one. */
export const unblock: Operation<Usage, UnblockArgs, boolean> = defineOperation({
  name: 'rate-limit.unblock',

  step(usage: Usage | undefined, args: UnblockArgs, now) {
    const { channel, message } = args
    const open = opened(usage, args, now)
    const isBlocked = open.block !== undefined && open.block.until > now
    if (open.block === undefined && !open.isAhead) return { result: false }
    open.block = undefined
    const next = open.isAhead ? saved(open, now) : savedBesides(open, now)
    return { result: isBlocked, next, publish: isBlocked ? [{ channel, message }] : [] }
  },

  luaPrelude: USAGE,

  lua: `
    ${OPEN}
    if not block and not ahead then return { 0 } end
    block = nil
    if blocked > 0 then publish(ARGV[2], ARGV[3]) end
    ${saveLua('not ahead')}
    return { blocked > 0 and 1 or 0 }
  `,

  encode: (args) => [encodedUsage(args), args.channel, args.message],

  decode: ([unblocked]) => unblocked === 1,

  keys: (key, { policies }) => ringKeys(key, policies),
})
