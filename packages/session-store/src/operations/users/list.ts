import { defineOperation, type Operation } from '@holdfast/adapter'
import { type Listed, living, opened, sessionsLua, type UserSessions } from './sessions.ts'

/** The sessions of a user that have not ended, by their names, the oldest first. */
export const list: Operation<UserSessions, undefined, readonly [name: string, session: Omit<Listed, 'dead'>][]> = defineOperation(
  {
    name: 'session.list',

    step(state: UserSessions | undefined, _args: undefined, now) {
      const open = living(opened(state), now).filter(([, { dead }]) => !dead)
      return { result: open.map(([name, { dead: _dead, ...session }]) => [name, session]) }
    },

    luaPrelude: sessionsLua,

    lua: `
    read('epoch')
    local reply = {}
    for _, each in ipairs((living())) do
      if not each.dead then
        reply[#reply + 1] = each.name
        reply[#reply + 1] = string.format('%.0f %.0f %.0f %d', each.created, each.seen, each.ends, each.plain and 1 or 0)
        reply[#reply + 1] = each.note
      end
    end
    return reply
  `,

    encode: () => [],

    decode(reply) {
      const sessions: [string, Omit<Listed, 'dead'>][] = []
      for (let at = 0; at + 2 < reply.length; at += 3) {
        const [created = 0, seen = 0, ends = 0, plain] = String(reply[at + 1])
          .split(' ')
          .map(Number)
        sessions.push([String(reply[at]), { created, seen, ends, plain: plain === 1, note: String(reply[at + 2]) }])
      }
      return sessions
    },
  },
)
