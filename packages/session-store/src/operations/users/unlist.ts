import { defineOperation, type Operation } from '@holdfast/adapter'
import { opened, type UserSessions } from './sessions.ts'

/** Takes sessions from a user's list. One that was put out stays known as such. */
export const unlist: Operation<UserSessions, { readonly names: readonly string[] }, void> = defineOperation({
  name: 'session.unlist',

  step(state: UserSessions | undefined, { names }: { readonly names: readonly string[] }, now, ends = now) {
    const user = opened(state)
    for (const name of names) if (user.listed.get(name)?.dead === false) user.listed.delete(name)
    return { result: undefined, ...(state !== undefined && { next: { state: user, ttlMs: ends - now } }) }
  },

  lua: `
    for i = 1, #ARGV do
      local packed = read('s' .. ARGV[i])
      if packed and not packed:find('^%d+ %d+ %d+ 1 ') then redis.call('HDEL', key, 's' .. ARGV[i]) end
    end
    return {}
  `,

  encode: ({ names }) => [...names],
  decode: () => undefined,
})
