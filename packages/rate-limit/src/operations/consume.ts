import { defineOperation, type Operation, type RedisArgument, type RedisReply } from '@holdfast/adapter'
import type { Quota } from './algorithm.ts'
import { partLua, ringKeys } from './algorithms.ts'
import { blockedMs, encodedUsage, opened, saved, savedBesides, type Usage, type UsageArgs } from './usage.ts'
import { OPEN, saveLua, USAGE } from './usage-lua.ts'

/** How blocks grow: the first lasts `baseMs`, each further one `factor` times as long as the last, at most `maxMs`. */
export interface Penalty {
  readonly baseMs: number
  readonly factor: number
  readonly maxMs: number
}

export interface ConsumeArgs extends UsageArgs {
  /** What the call costs in each policy, in their order. */
  readonly costs: readonly number[]
  /** Whether to charge it, when it is allowed. */
  readonly charge: boolean
  /** Who holds what concurrency policies give. */
  readonly token: string
  /** Whether the caller answers refusals from memory, and wants to be told when capacity is freed. */
  readonly remembers: boolean
  /** What a refused call is blocked for, if it is. */
  readonly penalty: Penalty | undefined
}

export interface ConsumeResult {
  readonly allowed: boolean
  /** When it was decided. */
  readonly at: number
  /** How long a block refuses calls; 0 without one. */
  readonly blockedMs: number
  /** How long the block lasts that this refusal brought; 0 when it brought none. */
  readonly penaltyMs: number
  /** In the order of the policies, until the call's units are available: 0 when they were, -1 when they never are. */
  readonly waits: readonly number[]
  /** In the order of the policies: after the charge, when there was one. */
  readonly quotas: readonly Quota[]
}

/** Decides on one call by several policies, all or nothing: only when each has room, each is charged. */
export const consume: Operation<Usage, ConsumeArgs, ConsumeResult> = defineOperation({
  name: 'rate-limit.consume',

  step(usage: Usage | undefined, args: ConsumeArgs, now) {
    const { costs, charge, token, remembers, penalty } = args
    const open = opened(usage, args, now)
    const blocked = blockedMs(open, now)
    const waits: number[] = []
    let refusedMs = 0
    for (const { policy, algorithm, state } of open.policies) {
      const waitMs = algorithm.wait(state, policy, costs[waits.length] ?? 1, now)
      waits.push(waitMs)
      if (!policy.shadow && waitMs !== 0) refusedMs = waitMs < 0 || refusedMs < 0 ? -1 : Math.max(refusedMs, waitMs)
    }
    const allowed = blocked === 0 && refusedMs === 0
    let penaltyMs = 0
    let changed: 'counts' | 'besides' | undefined = open.isAhead ? 'counts' : undefined
    if (charge && allowed) {
      for (let index = 0; index < waits.length; index += 1) {
        const each = open.policies[index]
        const cost = costs[index] ?? 1
        if (each === undefined || cost === 0 || waits[index] !== 0) continue
        each.state = each.algorithm.charge(each.state, each.policy, cost, now, token)
        changed = 'counts'
      }
    } else if (charge) {
      if (penalty !== undefined && blocked === 0) {
        penaltyMs = nextPenalty(penalty, open.block?.penaltyMs)
        open.block = { until: now + penaltyMs, lastsMs: penaltyMs, penaltyMs }
        changed ??= 'besides'
      }
      if (remembers && refusedMs > 0 && now + refusedMs > open.deniedUntil) {
        open.deniedUntil = now + refusedMs
        changed ??= 'besides'
      }
    }
    const quotas = open.policies.map(({ policy, algorithm, state }) => algorithm.measure(state, policy, now))
    const result = { allowed, at: now, blockedMs: blocked, penaltyMs, waits, quotas }
    if (changed === undefined) return { result }
    return { result, next: changed === 'counts' ? saved(open, now) : savedBesides(open, now) }
  },

  luaPrelude: USAGE,

  lua: `
    ${OPEN}
    local charge, token, refused, penalty = ARGV[2] ~= 'peek', ARGV[3], 0, 0
    for i = 1, #policies do
      local p = policies[i]
      p.cost = (ARGV[i + 4] or 1) + 0
      local wait = 0
      ${partLua('wait')}
      p.wait = wait
      if wait ~= 0 and not p.shadow then
        refused = (wait < 0 or refused < 0) and -1 or math.max(refused, wait)
      end
    end
    local allowed, charged, changed = blocked == 0 and refused == 0, ahead, false
    if charge and allowed then
      for i = 1, #policies do
        local p = policies[i]
        if p.cost > 0 and p.wait == 0 then
          ${partLua('charge')}
          charged = true
        end
      end
    elseif charge then
      if ARGV[4] and ARGV[4] ~= '' and blocked == 0 then
        local base, factor, longest = string.match(ARGV[4], '(%S+) (%S+) (%S+)')
        penalty = block and block.penalty > 0 and math.min(tonumber(longest), math.ceil(block.penalty * factor)) or tonumber(base)
        block, changed = { ends = now + penalty, lasts = penalty, penalty = penalty }, true
      end
      if ARGV[2] == 'remember' and refused > 0 and now + refused > denied then denied, changed = now + refused, true end
    end
    if charged or changed then
      ${saveLua('not charged')}
    end
    local reply = struct.pack('>dd', allowed and 1 or 0, now)
    for i = 1, #policies do
      local p, remaining, next, full = policies[i], 0, 0, 0
      ${partLua('measure')}
      reply = reply .. struct.pack('>ddddd', remaining, next, full, p.wait, p.epoch or 0)
    end
    if not allowed then reply = reply .. struct.pack('>dd', blocked, penalty) end
    return { reply }
  `,

  encode(args) {
    const { policies, costs, charge, token, remembers, penalty } = args
    const encoded: RedisArgument[] = [encodedUsage(args), charge ? (remembers ? 'remember' : 'charge') : 'peek', token]
    const areOnes = policies.every((_policy, index) => (costs[index] ?? 1) === 1)
    if (penalty === undefined && areOnes) return encoded
    encoded.push(penalty === undefined ? '' : `${penalty.baseMs} ${penalty.factor} ${penalty.maxMs}`)
    if (!areOnes) for (let index = 0; index < policies.length; index += 1) encoded.push(costs[index] ?? 1)
    return encoded
  },

  decode([packed]) {
    const numbers = doublesOf(packed)
    const [allowed, at = 0] = numbers
    const waits: number[] = []
    const quotas: Quota[] = []
    let from = 2
    for (; from + 5 <= numbers.length; from += 5) {
      const [remaining = 0, nextMs = 0, fullMs = 0, waitMs = 0, mark = 0] = numbers.slice(from, from + 5)
      waits.push(waitMs)
      quotas.push({ remaining, nextMs, fullMs, mark })
    }
    const [blocked = 0, penaltyMs = 0] = numbers.slice(from)
    return { allowed: allowed === 1, at, blockedMs: blocked, penaltyMs, waits, quotas }
  },

  keys: (key, { policies }) => ringKeys(key, policies),
})

/** One string is decoded faster than so many integers, which clients read digit by digit. */
function doublesOf(packed: RedisReply | undefined): readonly number[] {
  if (!Buffer.isBuffer(packed)) throw new TypeError('The reply must be packed numbers')
  const numbers: number[] = []
  for (let offset = 0; offset < packed.length; offset += 8) numbers.push(packed.readDoubleBE(offset))
  return numbers
}

/** How long the block lasts that comes after one of `penaltyMs`. */
export function nextPenalty({ baseMs, factor, maxMs }: Penalty, penaltyMs = 0): number {
  return penaltyMs > 0 ? Math.min(maxMs, Math.ceil(penaltyMs * factor)) : baseMs
}
