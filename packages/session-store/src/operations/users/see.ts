import { defineOperation, type Operation } from '@holdfast/adapter'
import { living, opened, sessionsLua, type UserSessions } from './sessions.ts'

export interface SeeArgs {
  /** Under which name the session is stored. */
  readonly name: string
  /** The user's epoch when the session was begun. */
  readonly epoch: number
  /** How long the session lives from now on, in milliseconds. */
  readonly ttlMs: number
  /** When it was begun, if it is not listed yet. */
  readonly created: number
  /** What the app says of it; undefined leaves what it said before. */
  readonly note: string | undefined
  /** Whether the user logs in by it: it belongs to the epoch that is. */
  readonly joins: boolean
  /** Whether it is stored for the first time: one of that name that was put out is another one. */
  readonly begins: boolean
  /** Whether its record is still under the name that another store gave it. */
  readonly plain: boolean
  /** How many sessions a user may have; 0 for any number. */
  readonly max: number
  readonly onMax: 'evict-oldest' | 'reject'
}

export interface SeeResult {
  readonly verdict: 'alive' | 'dead' | 'full'
  readonly epoch: number
  /** Which sessions had to go. */
  readonly evicted: readonly string[]
}

/** Who logs in all the time, with each time one more put out, has no list that is looked through for longer and longer. */
const MOST_DEAD = 100

/**
 * Lists a session of a user as seen now, unless the user was logged out of it, or has as many as may be.
 *
 * It looks at all others for that, else only as their number doubles: to forget those that have ended.
 */
export const see: Operation<UserSessions, SeeArgs, SeeResult> = defineOperation({
  name: 'session.see',

  step(state: UserSessions | undefined, args: SeeArgs, now, ends = 0) {
    const { name, epoch, ttlMs, created, note, joins, begins, plain, max, onMax } = args
    const user = opened(state)
    const before = user.listed.get(name)
    const own = before !== undefined && before.ends > now && !(before.dead && begins) ? before : undefined
    if (own?.dead || (own === undefined && !joins && epoch < user.epoch)) return answer('dead', user.epoch)
    const evicted: string[] = []
    if (own === undefined && (max > 0 || isPowerOfTwo(user.listed.size))) {
      const others = living(user, now)
      const open = others.filter(([, { dead }]) => !dead)
      const over = max === 0 ? 0 : open.length - max + 1
      if (over > 0 && onMax === 'reject' && joins) return answer('full', user.epoch)
      user.listed.clear()
      for (const [each, session] of others) user.listed.set(each, session)
      for (const [each] of others.filter(([, { dead }]) => dead).slice(0, -MOST_DEAD)) user.listed.delete(each)
      for (const [each, session] of onMax === 'reject' ? [] : open.slice(0, Math.max(0, over))) {
        user.listed.set(each, { ...session, dead: true })
        evicted.push(each)
      }
    }
    const until = now + ttlMs
    user.listed.set(name, {
      created: own?.created ?? created,
      seen: now,
      ends: until,
      dead: false,
      plain,
      note: note ?? own?.note ?? '',
    })
    return { ...answer('alive', user.epoch, evicted), next: { state: user, ttlMs: Math.max(ends, until) - now } }
  },

  luaPrelude: sessionsLua,

  lua: `
    local function is_power_of_two(count)
      local power = 1
      while power < count do power = power * 2 end
      return power == count
    end
    local name, epoch, ttl, created = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
    local note, joins, max, rejects = ARGV[5], ARGV[6] == '1', tonumber(ARGV[7]), ARGV[8] == 'reject'
    local plain, begins = ARGV[9] == '1', ARGV[10] == '1'
    local known_epoch, packed = read('epoch', 's' .. name)
    local shown = known_epoch or '0'
    local epoch_now = tonumber(shown)
    local own = session(name, packed)
    if own and own.dead and begins then own = nil end
    if own and own.dead or not own and not joins and epoch < epoch_now then return { 'dead', shown } end
    local last, reply = math.max(ends or 0, now + ttl) - now, { 'alive', shown }
    if not own then
      local open, dead = {}, {}
      local others, ended = {}, {}
      local listed = ends and redis.call('HLEN', key) - (known_epoch and 2 or 1) or 0
      if max > 0 or is_power_of_two(listed) then others, ended = living() end
      for _, each in ipairs(others) do
        local alike = each.dead and dead or open
        alike[#alike + 1] = each
      end
      local over = max == 0 and 0 or #open - max + 1
      if over > 0 and rejects and joins then return { 'full', shown } end
      for _, field in ipairs(ended) do redis.call('HDEL', key, field) end
      for i = 1, #dead - ${MOST_DEAD} do redis.call('HDEL', key, 's' .. dead[i].name) end
      for i = 1, rejects and 0 or over do
        open[i].dead = true
        put(last, open[i])
        reply[#reply + 1] = open[i].name
      end
      own = { name = name, created = created, note = '' }
    end
    own.seen, own.ends, own.dead, own.plain = now, now + ttl, false, plain
    if note ~= '' then own.note = note end
    put(last, own)
    return reply
  `,

  encode: ({ name, epoch, ttlMs, created, note = '', joins, begins, plain, max, onMax }) => [
    name,
    epoch,
    ttlMs,
    created,
    note,
    joins ? 1 : 0,
    max,
    onMax,
    plain ? 1 : 0,
    begins ? 1 : 0,
  ],
  decode: ([verdict, epoch, ...evicted]) => ({
    verdict: String(verdict) as SeeResult['verdict'],
    epoch: Number(epoch),
    evicted: evicted.map(String),
  }),
})

function answer(verdict: SeeResult['verdict'], epoch: number, evicted: readonly string[] = []): { result: SeeResult } {
  return { result: { verdict, epoch, evicted } }
}

function isPowerOfTwo(count: number): boolean {
  return Number.isInteger(Math.log2(count))
}
