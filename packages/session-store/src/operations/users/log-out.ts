import { defineOperation, type Operation } from '@holdfast/adapter'
import { living, opened, sessionsLua, type UserSessions } from './sessions.ts'

export interface LogOutArgs {
  /** The name of the session that is to stay, or ''. */
  readonly except: string
  /** How long that one is listed until it is seen again, in milliseconds. */
  readonly ttlMs: number
  /** For how long a session may turn up that nobody has listed, in milliseconds. */
  readonly keepMs: number
}

/** Begins a new epoch, in which no session of the user is alive but one. Gives the names of those that it ends. */
export const logOut: Operation<UserSessions, LogOutArgs, readonly string[]> = defineOperation({
  name: 'session.log-out',

  step(state: UserSessions | undefined, { except, ttlMs, keepMs }, now, ends = 0) {
    const user = opened(state)
    const listed = living(user, now)
    const kept = listed.find(([name]) => name === except)?.[1]
    user.epoch = Math.max(user.epoch + 1, now)
    user.keepUntil = now + keepMs
    user.listed.clear()
    if (except !== '' && kept?.dead !== true) {
      user.listed.set(except, kept ?? { created: now, seen: now, ends: now + ttlMs, dead: false, plain: false, note: '' })
    }
    const names = listed.filter(([name, { dead }]) => name !== except && !dead).map(([name]) => name)
    return { result: names, next: { state: user, ttlMs: Math.max(ends, now + keepMs) - now } }
  },

  luaPrelude: sessionsLua,

  lua: `
    local except, ttl, keep = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
    local epoch = tonumber(read('epoch') or 0)
    local last = math.max(ends or 0, now + keep) - now
    local kept, names = nil, {}
    for _, each in ipairs((living())) do
      if each.name == except and not each.dead then
        kept = each
      else
        if each.name == except then except = '' end
        if not each.dead then names[#names + 1] = each.name end
      end
    end
    epoch = string.format('%.0f', math.max(epoch + 1, now))
    if except == '' then
      write(last, 'epoch', epoch)
      return names
    end
    if not kept then kept = { name = except, created = now, seen = now, ends = now + ttl, note = '' } end
    delete()
    put(last, kept, 'epoch', epoch)
    return names
  `,

  encode: ({ except, ttlMs, keepMs }) => [except, ttlMs, keepMs],
  decode: (names) => names.map(String),
})
