import type { RedisArgument } from '@holdfast/adapter'
import type { Policy } from '../policy.ts'
import type { Algorithm } from './algorithm.ts'
import { algorithmOf, algorithmsLua } from './algorithms.ts'

/** What one subject has used, by the digests of its policies, and what is held against it. */
export interface Usage {
  counts: Map<string, unknown>
  block: Block | undefined
  /** Until when a process may answer refusals from memory: who frees capacity before tells them. */
  deniedUntil: number
}

/** A block, or the memory of one. */
export interface Block {
  readonly until: number
  readonly lastsMs: number
  /** The last penalty, which the next one grows from; 0 when there was none. */
  readonly penaltyMs: number
}

export interface OpenedPolicy {
  readonly policy: Policy
  readonly algorithm: Algorithm<unknown>
  state: unknown
}

/** The usage of a subject as it counts now. */
export interface Opened {
  readonly policies: readonly OpenedPolicy[]
  block: Block | undefined
  deniedUntil: number
  /** Whether something lay ahead of a clock that was set back: it is clamped, and has to be kept. */
  readonly isAhead: boolean
}

/** What the operations on a subject have in common. */
export interface UsageArgs {
  readonly policies: readonly Policy[]
  /** How long a block is remembered after its end. */
  readonly keepMs: number
}

export function opened(usage: Usage | undefined, { policies, keepMs }: UsageArgs, now: number): Opened {
  let isAhead = false
  const open = policies.map((policy) => {
    const algorithm = algorithmOf(policy)
    const kept = usage?.counts.get(policy.digest)
    if (kept !== undefined && algorithm.isAhead(kept, policy, now)) isAhead = true
    return { policy, algorithm, state: algorithm.open(kept, policy, now) }
  })
  let block = usage?.block
  if (block !== undefined && block.until > now + block.lastsMs) {
    block = { ...block, until: now + block.lastsMs }
    isAhead = true
  }
  if (block !== undefined && block.until + keepMs <= now) block = undefined
  return { policies: open, block, deniedUntil: usage?.deniedUntil ?? 0, isAhead }
}

export function blockedMs({ block }: Opened, now: number): number {
  return block === undefined ? 0 : Math.max(0, block.until - now)
}

/**
 * What is kept of it: its counts as they are now; or, when only what is held against it has changed, as they were, for a clock that
 * steps back.
 */
export function saved(open: Opened, keepMs: number, now: number, counts?: Map<string, unknown>): { state: Usage; ttlMs: number } {
  const { policies, block, deniedUntil } = open
  const own = new Map<string, unknown>()
  let ttlMs = block === undefined ? 0 : block.until + keepMs - now
  for (const { policy, algorithm, state } of policies) {
    if (state === undefined) continue
    own.set(policy.digest, state)
    ttlMs = Math.max(ttlMs, algorithm.ttlMs(state, policy, now))
  }
  return { state: { counts: counts ?? own, block, deniedUntil: deniedUntil > now ? deniedUntil : 0 }, ttlMs }
}

/** The arguments of policies: seven for each, `units` and `flag` by place. */
export function encodedPolicies(
  policies: readonly Policy[],
  units: (index: number) => number,
  flag: (policy: Policy, index: number) => RedisArgument,
): RedisArgument[] {
  const encoded: RedisArgument[] = []
  for (let index = 0; index < policies.length; index += 1) {
    const policy = policies[index]
    if (policy === undefined) continue
    const { algorithm, digest, limit, windowMs, anchor, refill } = policy
    const extra = algorithm === 'token-bucket' ? refill : anchor
    encoded.push(algorithm, digest, limit, windowMs, extra, units(index), flag(policy, index))
  }
  return encoded
}

/**
 * The same in Lua, with the policies' arguments from `first` on. Defines `policies`, `block` and `blocked` (milliseconds), `ahead`,
 * `save()`, which keeps all, and `save_besides()`, which leaves the counts as they were.
 */
export function usageLua(first: number, keepMs: string): string {
  return `
    local LARGEST = 9007199254740991
    local token
    ${algorithmsLua}
    local made, policies, fields, rings, ahead = {}, {}, { 'block', 'denied' }, 1, false
    for i = ${first}, #ARGV, 7 do
      local name = ARGV[i]
      local algorithm = made[name] or algorithms[name]()
      made[name] = algorithm
      local p = {
        algorithm = algorithm, digest = ARGV[i + 1], limit = tonumber(ARGV[i + 2]), window = tonumber(ARGV[i + 3]),
        extra = ARGV[i + 4], cost = tonumber(ARGV[i + 5]), flag = ARGV[i + 6]
      }
      if name == 'sliding-window-log' or name == 'concurrency' then
        rings = rings + 1
        p.ring = KEYS[rings]
      end
      for _, field in ipairs(algorithm.fields) do fields[#fields + 1] = p.digest .. field end
      policies[#policies + 1] = p
    end
    local function exact(n)
      return n < 4503599627370496 and n or string.format('%.0f', n)
    end
    local values, offset = { read(unpack(fields)) }, 2
    local block, denied, blocked = nil, tonumber(values[2]) or 0, 0
    for _, p in ipairs(policies) do
      p.state = {}
      for i = 1, #p.algorithm.fields do p.state[i] = tonumber(values[offset + i]) end
      offset = offset + #p.algorithm.fields
      p.algorithm.open(p)
      ahead = ahead or p.ahead
    end
    if values[1] and values[1] ~= '' then
      local ends, lasts, penalty = string.match(values[1], '(%d+) (%d+) (%d+)')
      block = { ends = tonumber(ends), lasts = tonumber(lasts), penalty = tonumber(penalty) }
      if block.ends > now + block.lasts then block.ends, ahead = now + block.lasts, true end
      if block.ends + ${keepMs} <= now then block = nil end
      if block then blocked = math.max(0, block.ends - now) end
    end
    local function besides(kept)
      if denied > now then kept[#kept + 1], kept[#kept + 2] = 'denied', exact(denied) end
      if not block then return 0 end
      kept[#kept + 1], kept[#kept + 2] = 'block', string.format('%.0f %.0f %.0f', block.ends, block.lasts, block.penalty)
      return block.ends + ${keepMs} - now
    end
    local function keep(kept, p, lasts, ...)
      for i = 1, select('#', ...) do
        kept[#kept + 1] = p.digest .. p.algorithm.fields[i]
        kept[#kept + 1] = (select(i, ...))
      end
      return lasts
    end
    local function save()
      local kept = {}
      local lasts = besides(kept)
      for _, p in ipairs(policies) do lasts = math.max(lasts, keep(kept, p, p.algorithm.save(p))) end
      write(lasts, unpack(kept))
    end
    local function save_besides()
      local kept = { 'block', '', 'denied', 0 }
      local lasts = besides(kept)
      for _, p in ipairs(policies) do lasts = math.max(lasts, (p.algorithm.save(p))) end
      update(lasts, unpack(kept))
    end
  `
}
