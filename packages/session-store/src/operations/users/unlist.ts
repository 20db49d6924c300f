import { defineOperation, type Operation } from '@holdfast/adapter'
import { opened, type UserSessions } from './sessions.ts'

export interface UnlistArgs {
  readonly names: readonly string[]
  /** For how long they are remembered as put out, if they don't end before: in milliseconds; 0 forgets them. */
  readonly deadMs: number
}

/** Takes sessions from a user's list. One that was put out stays known as such. */
export const unlist: Operation<UserSessions, UnlistArgs, void> = defineOperation({
  name: 'session.unlist',

  step(state: UserSessions | undefined, { names, deadMs }: UnlistArgs, now, ends = now) {
    if (state === undefined) return { result: undefined }
    const { listed } = opened(state)
    for (const name of names) {
      const session = listed.get(name)
      if (session === undefined || session.dead) continue
      if (deadMs > 0) listed.set(name, { ...session, dead: true, ends: Math.min(session.ends, now + deadMs) })
      else listed.delete(name)
    }
    return { result: undefined, next: { state, ttlMs: ends - now } }
  },

  lua: `
    local dead = tonumber(ARGV[1])
    for i = 2, #ARGV do
      local field = 's' .. ARGV[i]
      local packed = read(field)
      local times, last, note
      if packed then times, last, note = packed:match('^(%d+ %d+) (%d+) [02]( .*)$') end
      if times and dead > 0 then
        update(ends - now, field, times .. string.format(' %.0f 1', math.min(tonumber(last), now + dead)) .. note)
      elseif times then
        redis.call('HDEL', key, field)
      end
    end
    return {}
  `,

  encode: ({ names, deadMs }) => [deadMs, ...names],
  decode: () => undefined,
})
