import { algorithmsLua } from './algorithms.ts'

/**
 * `usage.ts` in Lua. Defines `open(keys, encoded, keep)`, which reads what a subject has used, by the policies that `encoded` has, into
 * `policies`, `block`, `denied`, `blocked` (milliseconds) and `ahead`; and `save()` and `save_besides()`.
 */
export const usageLua: string = `
  ${algorithmsLua}
  local policies, block, denied, blocked, ahead, keep_ms, had_block, had_denied, present
  local function open_block(shown)
    had_block, block, blocked = shown and shown ~= '', nil, 0
    if not had_block then return end
    local ends, lasts, penalty = string.match(shown, '(%d+) (%d+) (%d+)')
    block = { ends = tonumber(ends), lasts = tonumber(lasts), penalty = tonumber(penalty) }
    if block.ends > now + block.lasts then block.ends, ahead = now + block.lasts, true end
    if block.ends + keep_ms <= now then block = nil else blocked = max(0, block.ends - now) end
  end
  local function open(keys, encoded, keep)
    policies, ahead, keep_ms = cjson.decode(encoded), false, tonumber(keep)
    local size, rings, names = #policies, 1, { 'block', 'denied' }
    for i = 1, size do
      local p = policies[i]
      p.algorithm = algorithm_of(p.algorithm)
      names[i + 2] = p.digest
      if p.algorithm.has_ring then
        rings = rings + 1
        p.ring = keys[rings]
      end
    end
    local values = { read(unpack(names)) }
    present = 0
    for i = 1, size + 2 do if values[i] then present = present + 1 end end
    open_block(values[1])
    denied = tonumber(values[2]) or 0
    had_denied = denied > 0
    for i = 1, size do
      local p, numbers = policies[i], values[i + 2]
      p.had = numbers ~= nil
      if p.had and numbers ~= '' then p.algorithm.open(p, cmsgpack.unpack(numbers)) else p.algorithm.open(p) end
      ahead = ahead or p.ahead
    end
  end
  local function save_with(kept, size, lasts)
    if block then
      kept[size + 1], kept[size + 2] = 'block', format('%.0f %.0f %.0f', block.ends, block.lasts, block.penalty)
      size, lasts = size + 2, max(lasts, block.ends + keep_ms - now)
    elseif had_block then
      kept[size + 1], kept[size + 2] = 'block', ''
      size = size + 2
    end
    if denied > now or had_denied then
      kept[size + 1], kept[size + 2] = 'denied', denied > now and format('%.0f', denied) or 0
      size = size + 2
    end
    if ends and call('HLEN', key) > present + 1 then lasts = max(lasts, ends - now) end
    update(lasts, unpack(kept, 1, size))
  end
  local function packed(lasts, ...)
    return lasts, lasts > 0 and cmsgpack.pack(...) or ''
  end
  local function save()
    local kept, size, longest = {}, 0, 0
    for i = 1, #policies do
      local p = policies[i]
      local lasts, numbers = packed(p.algorithm.save(p))
      if lasts > 0 or p.had then
        kept[size + 1], kept[size + 2] = p.digest, numbers
        size = size + 2
      end
      longest = max(longest, lasts)
    end
    save_with(kept, size, longest)
  end
  local function save_besides()
    local longest = 0
    for i = 1, #policies do longest = max(longest, (policies[i].algorithm.save(policies[i]))) end
    save_with({}, 0, longest)
  end
`
