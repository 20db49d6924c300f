/** `read` and `write` in one Lua: a request mostly asks for both, and steps of the same Lua go to Redis together. */
export const recordLua: string = `
  local before = read()
  if ARGV[1] == 'write' then
    local bytes, ttl, when = ARGV[2], tonumber(ARGV[3]), ARGV[4]
    local allowed
    if when == 'any' then
      allowed = true
    elseif when == 'absent' then
      allowed = not before
    elseif when == 'present' then
      allowed = before
    else
      allowed = before and redis.sha1hex(before) == when
    end
    if not allowed then return { 0, before } end
    if ttl > 0 then write(ttl, bytes) else delete() end
    return { 1, ARGV[5] and before or nil }
  end
  if not before then return {} end
  local left = left() or -1
  if ARGV[1] ~= 'slide' then return { before, left, 0 } end
  local after = tonumber(ARGV[3])
  local ttl, patched = lifetime(before, tonumber(ARGV[2]), ARGV[4])
  if left >= 0 and ttl - left < after then return { before, left, 0 } end
  if patched then write(ttl, patched) else expire(ttl) end
  return { patched or before, ttl, 1 }
`
