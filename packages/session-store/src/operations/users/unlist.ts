import { defineOperation, type Operation } from '@holdfast/adapter'
import { opened, type UserSessions } from './sessions.ts'

export interface UnlistArgs {
  readonly names: readonly string[]
  /** Whether they are remembered as put out, until they would have ended. */
  readonly dead: boolean
}

/** Takes sessions from a user's list. One that was put out stays known as such. */
export const unlist: Operation<UserSessions, UnlistArgs, void> = defineOperation({
  name: 'session.unlist',

  step(state: UserSessions | undefined, { names, dead }: UnlistArgs, now, ends = now) {
    if (state === undefined) return { result: undefined }
    const { listed } = opened(state)
    for (const name of names) {
      const session = listed.get(name)
      if (session === undefined || session.dead) continue
      if (dead) listed.set(name, { ...session, dead })
      else listed.delete(name)
    }
    return { result: undefined, next: { state, ttlMs: ends - now } }
  },

  lua: `
    for i = 2, #ARGV do
      local field = 's' .. ARGV[i]
      local packed = read(field)
      local times, note
      if packed then times, note = packed:match('^(%d+ %d+ %d+) [02]( .*)$') end
      if times and ARGV[1] == '1' then
        update(ends - now, field, times .. ' 1' .. note)
      elseif times then
        redis.call('HDEL', key, field)
      end
    end
    return {}
  `,

  encode: ({ names, dead }) => [dead ? 1 : 0, ...names],
  decode: () => undefined,
})
