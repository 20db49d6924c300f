/** What is known of one of a user's sessions. */
export interface Listed {
  /** When the user logged in, was last seen, and when the session ends if nothing happens: milliseconds since the epoch. */
  readonly created: number
  readonly seen: number
  readonly ends: number
  /** It was put out, and must not come back while a record of it may be left. */
  readonly dead: boolean
  /** When it was last seen, its record was still under the name that another store had given it. */
  readonly plain: boolean
  /** What the app says of it. */
  readonly note: string
}

/** A user's sessions, by the names under which they are stored. */
export interface UserSessions {
  /** A session that is not listed and was begun before this epoch is dead: the user was logged out everywhere. */
  epoch: number
  /** Until when the epoch has to be known. */
  keepUntil: number
  readonly listed: Map<string, Listed>
}

/** The state as a step finds it. What has ended stays in it until someone looks at all of it. */
export function opened(state: UserSessions | undefined): UserSessions {
  return state ?? { epoch: 0, keepUntil: 0, listed: new Map() }
}

/** What has not ended, the oldest first. */
export function living({ listed }: UserSessions, now: number): [name: string, session: Listed][] {
  return [...listed]
    .filter(([, { ends }]) => ends > now)
    .toSorted(([a, one], [b, other]) => one.created - other.created || (a < b ? -1 : 1))
}

/**
 * The same in Lua: `living()` gives a list of `{ name, created, seen, ends, dead, plain, note }`, and one of the fields that have ended;
 * `session(name, packed)` unpacks one; `put(ttl, session)` writes one, with further fields.
 */
export const sessionsLua: string = `
  local function session(name, packed)
    if not packed then return nil end
    local created, seen, ends_at, how, note = packed:match('^(%d+) (%d+) (%d+) ([012]) (.*)$')
    ends_at = tonumber(ends_at)
    if ends_at <= now then return nil end
    local found = { name = name, created = tonumber(created), seen = tonumber(seen), ends = ends_at, note = note }
    found.dead, found.plain = how == '1', how == '2'
    return found
  end
  local function is_older(a, b)
    if a.created ~= b.created then return a.created < b.created end
    return a.name < b.name
  end
  local function living()
    local found, ended = {}, {}
    if not ends then return found, ended end
    local fields = redis.call('HGETALL', key)
    for i = 1, #fields, 2 do
      local name = fields[i]:match('^s(.*)$')
      if name then
        local each = session(name, fields[i + 1])
        if each then found[#found + 1] = each else ended[#ended + 1] = fields[i] end
      end
    end
    table.sort(found, is_older)
    return found, ended
  end
  local function put(ttl, s, ...)
    local how = s.dead and '1 ' or s.plain and '2 ' or '0 '
    local packed = string.format('%.0f %.0f %.0f ', s.created, s.seen, s.ends) .. how .. s.note
    update(ttl, 's' .. s.name, packed, ...)
  end
`
