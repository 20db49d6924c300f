import { createHash } from 'node:crypto'

/** A script as Redis knows it. */
export interface Script {
  readonly lua: string
  readonly sha: string
}

/** What of an operation its script is made of. */
export interface ScriptSource {
  readonly lua: string
  readonly luaPrelude?: string
  readonly state?: 'hash' | 'string'
  readonly value?: boolean
}

/**
 * The script of an operation: its body, inside the functions that are defined for it, run for one subject after the other.
 *
 * `ARGV` begins with the injected time, or '' for Redis' own, and with what the adapter's channels begin with. Then comes each
 * subject: how many keys it has, how many arguments, and those; or `AGAIN`, where it has as many keys and the same arguments as the
 * subject before. The reply is flat as well: for each subject how many elements follow, or -1 and the message of its error; where that
 * would be one element of one subject, it is that element. What one subject raises is its own, except that a replica refuses all of them.
 *
 * An end that Redis' own expiry could reach before the script's clock does would lose state a millisecond early, so hashes
 * get slack. Under an injected clock the slack is an hour, and raw strings, which have no field for their end, keep it as an
 * expiry in the far future. There, too, the script checks what it leaves behind. `HLEN` and `STRLEN` are there for the error
 * that they raise on a key of another kind, which `DEL` and `SET` would destroy. Steps of a batch mostly end at one time, which is
 * printed once, with the digits that Redis itself would print.
 */
export function scriptOf(operation: ScriptSource): Script {
  const known = scripts.get(operation)
  if (known !== undefined) return known
  const { state, value = false, luaPrelude = '', lua: step } = operation
  const given = PUBLISH + (state === 'string' ? STRING_STATE : HASH_STATE) + (value ? VALUE : '')
  const own = `${luaPrelude}\n${body(step)}`
  const lua = [
    PRELUDE,
    `local values, value_key = ${value ? 1 : 0}, nil`,
    functionsFor(own, given),
    own,
    epilogue(state === 'string'),
  ].join('\n')
  const script = byLua.get(lua) ?? { lua, sha: createHash('sha1').update(lua).digest('hex') }
  byLua.set(lua, script)
  scripts.set(operation, script)
  return script
}

/** In place of a subject's counts and arguments, which are those of the subject before. */
export const AGAIN = '='

const scripts = new WeakMap<ScriptSource, Script>()
/** Operations of the same Lua are one script, so that their steps go together. */
const byLua = new Map<string, Script>()

/** Of the functions that are given, each made of those before it, the ones that `lua` needs: Redis makes them anew for every call. */
function functionsFor(lua: string, given: string): string {
  let needed = ''
  const definitions = given.trim().split(/\n(?=local function )/)
  for (const definition of definitions.toReversed()) {
    const [, name = ''] = /^local function (\w+)/.exec(definition) ?? []
    if (new RegExp(`\\b${name}\\b`).test(needed + lua)) needed = `${definition}\n${needed}`
  }
  return needed
}

function body(lua: string): string {
  return `local function step(KEYS, ARGV)\n${lua}\nend\n`
}

/** Each local that a function captures costs every call a little: what few steps use is read as a global. */
const PRELUDE = `
local injected, channels = ARGV[1] ~= '' and ARGV[1] + 0, ARGV[2]
local now = injected
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
local call, format = redis.call, string.format
local slack = injected and 3600000 or 1000
local key, keys, ends, lasts, lastEnd, lastEndShown, lastLasts, lastLastsShown
`

const PUBLISH = `
local function publish(channel, message)
  call('PUBLISH', channels .. channel, message)
end
`

/**
 * What reads when a state ends, what ends it, and what keeps it for `ttl`: written into each function that does it, as Redis makes all of
 * them for every call. `ends` is false before the state is read, and nil where there is none.
 */
const READ_END = `
  ends = fields[1] and fields[1] + 0 or nil
  if ends and ends <= now then ends = nil end
`
const END = `
  if call('HLEN', key) > 0 then call('DEL', unpack(keys)) end
  ends, lasts = nil, nil
`
const KEEP = `
  local newEnd = now + ttl
  if newEnd == ends and ... then
    call('HSET', key, ...)
  else
    if newEnd ~= lastEnd then lastEnd, lastEndShown = newEnd, format('%.17g', newEnd) end
    call('HSET', key, '$', lastEndShown, ...)
  end
  if newEnd ~= ends or #keys > 1 then lasts = ttl + slack end
  ends = newEnd
`

const HASH_STATE = `
local function read(...)
  local fields = call('HMGET', key, '$', ...)
  ${READ_END}
  if not ends then return nil end
  local count = #fields
  for i = 2, count do fields[i] = fields[i] or nil end
  return unpack(fields, 2, count)
end
local function read_list(names)
  local fields = call('HMGET', key, '$', unpack(names))
  ${READ_END}
  return ends and fields
end
local function delete()
  ${END}
end
local function update(ttl, ...)
  if ends == false then
    local fields = call('HMGET', key, '$')
    ${READ_END}
  end
  if not ends and call('HLEN', key) > 0 then call('DEL', key) end
  if ttl + 0 <= 0 then
    ${END}
  else
    ${KEEP}
  end
end
local function write(ttl, ...)
  if ttl + 0 <= 0 then
    ${END}
    return
  end
  ${KEEP}
  if call('HLEN', key) == 1 + select('#', ...) / 2 then return end
  call('DEL', key)
  ends = nil
  ${KEEP}
end
`

const STRING_STATE = `
local function read()
  local bytes = call('GET', key)
  if bytes and injected and call('PEXPIRETIME', key) - 4e12 <= now then return nil end
  return bytes or nil
end
local function left()
  if injected then return call('PEXPIRETIME', key) - 4e12 - now end
  local ttl = call('PTTL', key)
  return ttl >= 0 and ttl or nil
end
local function delete()
  if call('STRLEN', key) then call('DEL', key) end
end
local function write(ttl, bytes)
  call('STRLEN', key)
  if tonumber(ttl) <= 0 then return delete() end
  if injected then
    call('SET', key, bytes, 'PXAT', 4e12 + now + ttl)
  else
    call('SET', key, bytes, 'PX', ttl)
  end
end
local function expire(ttl)
  call('STRLEN', key)
  if tonumber(ttl) <= 0 then return delete() end
  if injected then
    call('PEXPIREAT', key, 4e12 + now + ttl)
  else
    call('PEXPIRE', key, ttl)
  end
end
`

/** The value's key is the last of a subject's. `STRLEN` raises an error where it holds a state. */
const VALUE = `
local function delete_value()
  if call('STRLEN', value_key) then call('DEL', value_key) end
end
local function write_value(ttl, bytes)
  if tonumber(ttl) <= 0 then return delete_value() end
  call('STRLEN', value_key)
  if injected then
    call('SET', value_key, bytes, 'PXAT', 4e12 + now + ttl)
  else
    call('SET', value_key, bytes, 'PX', ttl)
  end
end
`

/** What a step that failed has left without an end, in its hash or in a further key, would stay for ever. A key of another kind is not its own. */
const DROP_ENDLESS = `
    local isOwn = type(redis.pcall('HLEN', key)) == 'number'
    for i = 1, #keys do
      if (isOwn or i > 1) and redis.pcall('PTTL', keys[i]) == -1 then redis.pcall('DEL', keys[i]) end
    end
`

/** Tables grow dearly: they are made with room for what most steps have. */
const epilogue = (isString: boolean): string => `
local check = injected and function(reply)
  if value_key and redis.call('PTTL', value_key) == -1 then error('OPERATION leaves a value without an end: use write_value', 0) end
  for i = 1, #keys do
    if redis.call('PTTL', keys[i]) == -1 then
      error('OPERATION leaves a key without an end: write, update or delete the state after touching it', 0)
    end
  end
  for i = 1, table.maxn(reply) do
    local element = reply[i]
    if type(element) ~= 'string' and (type(element) ~= 'number' or element ~= math.floor(element)) then
      error('OPERATION returns ' .. tostring(element) .. ' at ' .. i .. ': a reply is a flat array of integers and strings', 0)
    end
  end
  return reply
end
local replies, size, firstKey, firstArg = { nil, nil }, 0, 0, 2
local args, keysGiven, argsGiven, keyCount, argCount, argsFrom
while ARGV[firstArg + 1] do
  local keysNow, argsNow = ARGV[firstArg + 1], ARGV[firstArg + 2]
  if keysNow == '${AGAIN}' then
    firstArg = firstArg + 1
  else
    if keysNow ~= keysGiven then keys, keysGiven, keyCount = { nil }, keysNow, keysNow - values end
    if argsNow ~= argsGiven then args, argsGiven, argCount = { nil, nil, nil, nil }, argsNow, argsNow + 0 end
    argsFrom = firstArg + 2
    firstArg = argsFrom + argCount
  end
  for i = 1, argCount do args[i] = ARGV[argsFrom + i] end
  for i = 1, keyCount do keys[i] = KEYS[firstKey + i] end
  if values == 1 then value_key = KEYS[firstKey + keyCount + 1] end
  firstKey, key = firstKey + keyCount + values, keys[1]
  ends, lasts = false, nil
  local ok, reply = pcall(step, keys, args)
  if lasts then
    if lasts ~= lastLasts then lastLasts, lastLastsShown = lasts, format('%.17g', lasts) end
    for i = 1, #keys do
      local done = redis.pcall('PEXPIRE', keys[i], lastLastsShown)
      if type(done) == 'table' then reply = done end
    end
  end
  if ok and type(reply) ~= 'table' then
    ok, reply = false, 'OPERATION returns ' .. tostring(reply) .. ': a reply is a flat array of integers and strings'
  end
  if ok and check then ok, reply = pcall(check, reply) end
  if ok and not reply.err then
    local count, element = 0, reply[1]
    replies[size + 1] = 0
    while element ~= nil do
      count = count + 1
      replies[size + 1 + count] = element
      element = reply[count + 1]
    end
    replies[size + 1] = count
    size = size + 1 + count
  else
    ${isString ? '' : DROP_ENDLESS}
    local message = tostring(type(reply) == 'table' and reply.err or reply)
    if message:find('READONLY', 1, true) then return redis.error_reply(message) end
    replies[size + 1], replies[size + 2] = -1, message
    size = size + 2
  end
end
if size == 2 and replies[1] == 1 then return replies[2] end
return replies
`
