import type { AlgorithmPart } from './algorithm.ts'
import { algorithmsLua } from './algorithms.ts'

/**
 * `usage.ts` in Lua, with those parts of the algorithms that an operation needs. Defines `open(keys, given)`, which reads what a subject
 * has used, by the policies that `given` has, into `policies`, `block`, `denied`, `blocked` (milliseconds) and `ahead`; and
 * `save(besides)`. The subjects of a batch mostly have the same policies: they are read once.
 */
export function usageLua(...parts: readonly AlgorithmPart[]): string {
  return `
  ${algorithmsLua(parts)}
  local given_before, policies, names, keep_ms
  local block, denied, blocked, ahead, had_block, had_denied, present
  local function open(keys, given)
    if given ~= given_before then
      local usage = cjson.decode(given)
      given_before, policies, keep_ms, names = given, usage.policies, usage.keep, { 'block', 'denied' }
      for i = 1, #policies do
        local p = policies[i]
        p.algorithm, names[i + 2] = algorithm_of(p.algorithm), p.digest
      end
    end
    local values, rings = { read(unpack(names)) }, 1
    local shown = values[1]
    present, ahead, block, blocked = shown and 1 or 0, false, nil, 0
    had_block = shown and shown ~= ''
    if had_block then
      local ends, lasts, penalty = string.match(shown, '(%d+) (%d+) (%d+)')
      block = { ends = tonumber(ends), lasts = tonumber(lasts), penalty = tonumber(penalty) }
      if block.ends > now + block.lasts then block.ends, ahead = now + block.lasts, true end
      if block.ends + keep_ms <= now then block = nil else blocked = max(0, block.ends - now) end
    end
    denied = 0
    if values[2] then present, denied = present + 1, tonumber(values[2]) end
    had_denied = denied > 0
    for i = 1, #policies do
      local p, numbers = policies[i], values[i + 2]
      p.had, p.ahead = numbers ~= nil, false
      if p.has_ring then
        rings = rings + 1
        p.ring = keys[rings]
      end
      if p.had then present = present + 1 end
      if p.had and numbers ~= '' then p.algorithm.open(p, cmsgpack.unpack(numbers)) else p.algorithm.open(p) end
      ahead = ahead or p.ahead
    end
  end
  local function save(besides)
    local kept, size, longest = {}, 0, 0
    for i = 1, #policies do
      local p = policies[i]
      local lasts, numbers = p.algorithm.save(p)
      if not besides and (lasts > 0 or p.had) then
        kept[size + 1], kept[size + 2] = p.digest, lasts > 0 and numbers or ''
        size = size + 2
      end
      longest = max(longest, lasts)
    end
    if block then
      kept[size + 1], kept[size + 2] = 'block', format('%.0f %.0f %.0f', block.ends, block.lasts, block.penalty)
      size, longest = size + 2, max(longest, block.ends + keep_ms - now)
    elseif had_block then
      kept[size + 1], kept[size + 2] = 'block', ''
      size = size + 2
    end
    if denied > now or had_denied then
      kept[size + 1], kept[size + 2] = 'denied', denied > now and format('%.0f', denied) or 0
      size = size + 2
    end
    if ends and ends - now > longest and call('HLEN', key) > present + 1 then longest = ends - now end
    update(longest, unpack(kept, 1, size))
  end
`
}
