/** In place of a subject's counts and arguments, which are those of the subject before. */
export const AGAIN = '='

/**
 * What stands before the step of an operation in its script, and after it.
 *
 * `ARGV` begins with the injected time, or '' for Redis' own, and with what the adapter's channels begin with. Then comes each
 * subject: how many keys it has, how many arguments, and those; or `AGAIN`, where it has as many keys and the same arguments as the
 * subject before. The reply is flat as well: for each subject how many elements follow, or -1 and the message of its error; where that
 * would be one element of one subject, it is that element. What one subject raises is its own, except that a replica refuses all of
 * them. Under an injected clock the script checks what it leaves behind.
 *
 * Each local that a function captures costs every call a little: what few steps use is read as a global. The time costs a command: a
 * step on a raw string, whose end is Redis' own, has it only where it says `now`.
 */
export const prelude = (asksTime: boolean): string => `
local injected, channels = ARGV[1] ~= '' and ARGV[1] + 0, ARGV[2]
local now = injected
${asksTime ? ASK_TIME : ''}
local call, format = redis.call, string.format
local slack = injected and 3600000 or 1000
local key, keys, ends, lasts, lastEnd, lastEndShown, lastLasts, lastLastsShown
`

const ASK_TIME = `
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
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
export const epilogue = (isString: boolean): string => `
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
