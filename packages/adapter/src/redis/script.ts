import { createHash } from 'node:crypto'

/** A script as Redis knows it. */
export interface Script {
  readonly lua: string
  readonly sha: string
}

/** What of an operation its script is made of. */
export interface ScriptSource {
  readonly lua: string
  readonly state?: 'hash' | 'string'
}

/**
 * The script of an operation: its body, inside the functions that are defined for it.
 *
 * The last two arguments are the adapter's: what its channels begin with, and the injected time, or '' for Redis' own.
 *
 * An end that Redis' own expiry could reach before the script's clock does would lose state a millisecond early, so hashes
 * get slack. Under an injected clock the slack is an hour, and raw strings, which have no field for their end, keep it as an
 * expiry in the far future. There, too, the script checks what it leaves behind. `HLEN` and `STRLEN` are there for the error
 * that they raise on a key of another kind, which `DEL` and `SET` would destroy.
 */
export function scriptOf(operation: ScriptSource): Script {
  const known = scripts.get(operation)
  if (known !== undefined) return known
  const lua = [PRELUDE, operation.state === 'string' ? STRING_STATE : HASH_STATE, body(operation.lua), EPILOGUE].join('\n')
  const script = { lua, sha: createHash('sha1').update(lua).digest('hex') }
  scripts.set(operation, script)
  return script
}

const scripts = new WeakMap<ScriptSource, Script>()

function body(lua: string): string {
  return `local function step()\n${lua}\nend\n`
}

const PRELUDE = `
local injected = tonumber(table.remove(ARGV))
local channels = table.remove(ARGV)
local key, now = KEYS[1], injected
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
local lasts
local function publish(channel, message)
  redis.call('PUBLISH', channels .. channel, message)
end
`

const HASH_STATE = `
local slack = injected and 3600000 or 1000
local live
local function read(...)
  local fields = redis.call('HMGET', key, '$', ...)
  local ends = tonumber(fields[1] or nil)
  live = ends ~= nil and ends > now
  if not live then return nil end
  local count = select('#', ...) + 1
  for i = 2, count do fields[i] = fields[i] or nil end
  return unpack(fields, 2, count)
end
local function delete()
  if redis.call('HLEN', key) > 0 then redis.call('DEL', unpack(KEYS)) end
  live, lasts = false, nil
end
local function update(ttl, ...)
  if live == nil then read() end
  if not live and redis.call('HLEN', key) > 0 then redis.call('DEL', key) end
  if tonumber(ttl) <= 0 then return delete() end
  redis.call('HSET', key, '$', now + ttl, ...)
  live, lasts = true, ttl + slack
end
local function write(ttl, ...)
  live = false
  update(ttl, ...)
end
`

const STRING_STATE = `
local function read()
  local bytes = redis.call('GET', key)
  if bytes and injected and redis.call('PEXPIRETIME', key) - 4e12 <= now then return nil end
  return bytes or nil
end
local function delete()
  if redis.call('STRLEN', key) then redis.call('DEL', key) end
end
local function write(ttl, bytes)
  redis.call('STRLEN', key)
  if tonumber(ttl) <= 0 then return delete() end
  if injected then
    redis.call('SET', key, bytes, 'PXAT', 4e12 + now + ttl)
  else
    redis.call('SET', key, bytes, 'PX', ttl)
  end
end
`

const EPILOGUE = `
local reply = step()
if lasts then
  for i = 1, #KEYS do redis.call('PEXPIRE', KEYS[i], lasts) end
end
if injected then
  for i = 1, #KEYS do
    if redis.call('PTTL', KEYS[i]) == -1 then
      return redis.error_reply('OPERATION leaves a key without an end: write, update or delete the state after touching it')
    end
  end
  for i = 1, table.maxn(reply) do
    local element = reply[i]
    if type(element) ~= 'string' and (type(element) ~= 'number' or element ~= math.floor(element)) then
      return redis.error_reply('OPERATION returns ' .. tostring(element) .. ' at ' .. i .. ': a reply is a flat array of integers and strings')
    end
  end
end
return reply
`
