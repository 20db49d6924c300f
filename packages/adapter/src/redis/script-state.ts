export const PUBLISH: string = `
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
  if not ends or newEnd - newEnd % 500 ~= ends - ends % 500 or #keys > 1 then lasts = ttl + slack end
  ends = newEnd
`

/**
 * The functions that steps are given. An end that Redis' own expiry could reach before the script's clock does would lose state a
 * millisecond early, so hashes get slack: a second, of which half is left where an end that moves within half a second leaves the expiry
 * as it is, as most do of a busy key. Under an injected clock the slack is an hour, and raw strings, which have no field for their end,
 * keep it as an expiry in the far future. `HLEN` and `STRLEN` are there for the error that they raise on a key of another kind,
 * which `DEL` and `SET` would destroy. Steps of a batch mostly end at one time, which is printed once, with the digits that Redis itself
 * would print: `%d` has 32 bits where `long` has, as on Windows.
 */
export const HASH_STATE: string = `
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

export const STRING_STATE: string = `
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
export const VALUE: string = `
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
