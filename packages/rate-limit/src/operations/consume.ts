import { defineOperation, type Operation } from '@holdfast/adapter'
import type { Quota } from './algorithm.ts'
import { ringKeys } from './algorithms.ts'
import { blockedMs, encodedPolicies, opened, saved, type Usage, type UsageArgs, usageLua } from './usage.ts'

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
  /** In the order of the policies: after the charge, when there was one. */
  readonly quotas: readonly Quota[]
}

/** Decides on one call by several policies, all or nothing: only when each has room, each is charged. */
export const consume: Operation<Usage, ConsumeArgs, ConsumeResult> = defineOperation({
  name: 'rate-limit.consume',

  step(usage: Usage | undefined, args: ConsumeArgs, now) {
    const { costs, charge, token, remembers, penalty, keepMs } = args
    const open = opened(usage, args, now)
    const quotas = open.policies.map(({ policy, algorithm, state }, index) =>
      algorithm.measure(state, policy, costs[index] ?? 1, now),
    )
    const blocked = blockedMs(open, now)
    let refusedMs = 0
    for (const [index, { policy }] of open.policies.entries()) {
      const { retryMs = 0 } = quotas[index] ?? {}
      if (!policy.shadow && retryMs !== 0) refusedMs = retryMs < 0 || refusedMs < 0 ? -1 : Math.max(refusedMs, retryMs)
    }
    const result = { allowed: blocked === 0 && refusedMs === 0, at: now, blockedMs: blocked, penaltyMs: 0, quotas }
    if (result.allowed && charge) {
      let isCharged = open.isAhead
      for (const [index, each] of open.policies.entries()) {
        const { policy, algorithm } = each
        const cost = costs[index] ?? 1
        if (cost === 0 || quotas[index]?.retryMs !== 0) continue
        each.state = algorithm.charge(each.state, policy, cost, now, token)
        quotas[index] = algorithm.measure(each.state, policy, 0, now)
        isCharged = true
      }
      return isCharged ? { result, next: saved(open, keepMs, now) } : { result }
    }
    const isRefused = charge && blocked === 0 && refusedMs !== 0
    let changes = false
    if (isRefused && penalty !== undefined) {
      const lastsMs = nextPenalty(penalty, open.block?.penaltyMs)
      open.block = { until: now + lastsMs, lastsMs, penaltyMs: lastsMs }
      result.penaltyMs = lastsMs
      changes = true
    }
    if (isRefused && remembers && refusedMs > 0 && now + refusedMs > open.deniedUntil) {
      open.deniedUntil = now + refusedMs
      changes = true
    }
    if (open.isAhead) return { result, next: saved(open, keepMs, now) }
    return changes ? { result, next: saved(open, keepMs, now, usage?.counts ?? new Map()) } : { result }
  },

  lua: `
    local base, factor, longest = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
    ${usageLua(8, 'tonumber(ARGV[7])')}
    token = ARGV[2]
    local charge, remembers, refused, penalty = ARGV[1] == '1', ARGV[3] == '1', 0, 0
    for _, p in ipairs(policies) do
      p.quota = { p.algorithm.measure(p) }
      local retry = p.quota[4]
      if p.flag ~= 'shadow' and retry ~= 0 then
        if retry < 0 or refused < 0 then refused = -1 else refused = math.max(refused, retry) end
      end
    end
    local allowed = blocked == 0 and refused == 0
    if allowed and charge then
      local charged = ahead
      for _, p in ipairs(policies) do
        if p.cost > 0 and p.quota[4] == 0 then
          p.algorithm.charge(p)
          p.cost, charged = 0, true
          p.quota = { p.algorithm.measure(p) }
        end
      end
      if charged then save() end
    else
      local changes = false
      if charge and blocked == 0 and refused ~= 0 then
        if base > 0 then
          penalty = block and block.penalty > 0 and math.min(longest, math.ceil(block.penalty * factor)) or base
          block, changes = { ends = now + penalty, lasts = penalty, penalty = penalty }, true
        end
        if remembers and refused > 0 and now + refused > denied then denied, changes = now + refused, true end
      end
      if ahead then save() elseif changes then save_besides() end
    end
    local reply = { allowed and 1 or 0, now, blocked, penalty }
    for _, p in ipairs(policies) do
      for i = 1, 5 do reply[#reply + 1] = exact(p.quota[i]) end
    end
    return reply
  `,

  encode: ({ policies, costs, charge, token, remembers, penalty, keepMs }) => [
    charge ? 1 : 0,
    token,
    remembers ? 1 : 0,
    penalty?.baseMs ?? 0,
    penalty?.factor ?? 0,
    penalty?.maxMs ?? 0,
    keepMs,
    ...encodedPolicies(
      policies,
      (index) => costs[index] ?? 1,
      ({ shadow }) => (shadow ? 'shadow' : ''),
    ),
  ],

  decode(reply) {
    const [allowed, at, blocked, penalty] = reply
    const quotas: Quota[] = []
    for (let from = 4; from < reply.length; from += 5) {
      quotas.push({
        remaining: Number(reply[from]),
        nextMs: Number(reply[from + 1]),
        fullMs: Number(reply[from + 2]),
        retryMs: Number(reply[from + 3]),
        mark: Number(reply[from + 4]),
      })
    }
    return { allowed: allowed === 1, at: Number(at), blockedMs: Number(blocked), penaltyMs: Number(penalty), quotas }
  },

  keys: (key, { policies }) => ringKeys(key, policies),
})

/** How long the block lasts that comes after one of `penaltyMs`. */
export function nextPenalty({ baseMs, factor, maxMs }: Penalty, penaltyMs = 0): number {
  return penaltyMs > 0 ? Math.min(maxMs, Math.ceil(penaltyMs * factor)) : baseMs
}
