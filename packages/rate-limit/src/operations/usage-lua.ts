import { partLua } from './algorithms.ts'

/**
 * What the steps on a usage share: the policies of the step before, which `given` has, and at its end how long blocks are remembered. The
 * subjects of a batch mostly have the same: they are read once.
 */
export const USAGE = 'local given, policies, names'

/**
 * `opened` of `usage.ts` in Lua: reads what a subject has used, by the policies that `ARGV[1]` has, into `policies`, `block`, `denied`,
 * `blocked` (milliseconds) and `ahead`. It is in the text of each step, as Redis makes functions anew for every call.
 */
export const OPEN: string = `
  if ARGV[1] ~= given then
    given, policies, names = ARGV[1], { nil }, { 'block', 'denied', nil }
    for name, digest, limit, window, own, shadow in string.gmatch(given, '(%S+) (%S+) (%d+) (%d+) (%S+) (%d);') do
      local p = { -- a table that is made with nine fields has room for sixteen: algorithms add theirs
        algorithm = name, limit = limit + 0, window = window + 0, own = tonumber(own) or own,
        cost = 0, wait = 0, ring = false, epoch = 0, count = 0,
      }
      if shadow == '1' then p.shadow = true end
      policies[#policies + 1] = p
      names[#names + 1] = digest
    end
  end
  local values, rings = read_list(names) or {}, 1
  local shown = values[2]
  local present, ahead, block, blocked, denied = shown and 1 or 0, false, nil, 0, 0
  local had_block = shown and shown ~= ''
  if had_block then
    local ends, lasts, penalty = string.match(shown, '(%d+) (%d+) (%d+)')
    block = { ends = ends + 0, lasts = lasts + 0, penalty = penalty + 0 }
    if block.ends > now + block.lasts then block.ends, ahead = now + block.lasts, true end
    if block.ends + string.match(given, '%d+$') <= now then block = nil else blocked = math.max(0, block.ends - now) end
  end
  if values[3] then present, denied = present + 1, values[3] + 0 end
  local had_denied = denied > 0
  for i = 1, #policies do
    local p, numbers = policies[i], values[i + 3]
    if numbers then present = present + 1 end
    if numbers == '' then numbers = nil end
    ${partLua('open')}
  end
`

/** `saved` of `usage.ts` in Lua; `savedBesides` where `besides` holds. */
export function saveLua(besides: string): string {
  return `
  local kept, size, longest = { nil, nil }, 0, 0
  for i = 1, #policies do
    local p, lasts, numbers = policies[i], 0, ''
    ${partLua('save')}
    if not (${besides}) and (lasts > 0 or values[i + 3]) then
      kept[size + 1], kept[size + 2] = names[i + 2], numbers
      size = size + 2
    end
    longest = math.max(longest, lasts)
  end
  if block then
    kept[size + 1], kept[size + 2] = 'block', string.format('%.0f %.0f %.0f', block.ends, block.lasts, block.penalty)
    size, longest = size + 2, math.max(longest, block.ends + string.match(given, '%d+$') - now)
  elseif had_block then
    kept[size + 1], kept[size + 2] = 'block', ''
    size = size + 2
  end
  if denied > now or had_denied then
    kept[size + 1], kept[size + 2] = 'denied', denied > now and string.format('%.0f', denied) or 0
    size = size + 2
  end
  if ends and ends - now > longest and call('HLEN', key) > present + 1 then longest = ends - now end
  update(longest, unpack(kept, 1, size))
`
}
