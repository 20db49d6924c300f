import { defineOperation, type Operation } from '@holdfast/adapter'
import type { AlgorithmName, Policy } from '../policy.ts'
import type { Algorithm, Quota } from './algorithm.ts'
import { fixedWindow } from './fixed-window.ts'
import { slidingWindowCounter } from './sliding-window-counter.ts'
import { slidingWindowLog } from './sliding-window-log.ts'
import { tokenBucket } from './token-bucket.ts'

/** What one subject has used, by the digests of its policies. */
export type Usage = Map<string, unknown>

export interface ConsumeArgs {
  readonly policies: readonly Policy[]
  /** What the call costs in each policy, in their order. */
  readonly costs: readonly number[]
  /** Whether to charge it, when it is allowed. */
  readonly charge: boolean
}

export interface ConsumeResult {
  readonly allowed: boolean
  /** In the order of the policies: after the charge, when there was one. */
  readonly quotas: readonly Quota[]
}

/** Decides on one call by several policies, all or nothing: only when each has room, each is charged. */
export const consume: Operation<Usage, ConsumeArgs, ConsumeResult> = defineOperation({
  name: 'rate-limit.consume',

  step(usage: Usage | undefined, { policies, costs, charge }, now) {
    const opened = policies.map((policy, index) => {
      const algorithm = ALGORITHMS[policy.algorithm]
      const cost = costs[index] ?? 1
      const kept = usage?.get(policy.digest)
      const isAhead = kept !== undefined && algorithm.isAhead(kept, policy, now)
      const state = algorithm.open(kept, policy, now)
      return { policy, algorithm, cost, isAhead, state, quota: algorithm.measure(state, policy, cost, now) }
    })
    const allowed = opened.every(({ quota }) => quota.retryMs === 0)
    const charged = allowed && charge ? opened.filter(({ cost }) => cost > 0) : []
    for (const each of charged) {
      each.state = each.algorithm.charge(each.state, each.policy, each.cost, now)
      each.quota = each.algorithm.measure(each.state, each.policy, 0, now)
    }
    const result = { allowed, quotas: opened.map(({ quota }) => quota) }
    if (charged.length === 0 && !opened.some(({ isAhead }) => isAhead)) return { result }
    const state: Usage = new Map()
    let ttlMs = 0
    for (const each of opened) {
      if (each.state === undefined) continue
      state.set(each.policy.digest, each.state)
      ttlMs = Math.max(ttlMs, each.algorithm.ttlMs(each.state, each.policy, now))
    }
    return { result, next: { state, ttlMs } }
  },

  lua: `
    local algorithms = {}
    ${fixedWindow.lua}
    ${slidingWindowCounter.lua}
    ${slidingWindowLog.lua}
    ${tokenBucket.lua}
    local charge, policies, fields, rings = ARGV[1] == '1', {}, {}, 1
    for at = 2, #ARGV, 7 do
      local p = {
        algorithm = algorithms[ARGV[at]], digest = ARGV[at + 1], limit = tonumber(ARGV[at + 2]),
        window = tonumber(ARGV[at + 3]), anchor = ARGV[at + 4], refill = tonumber(ARGV[at + 5]), cost = tonumber(ARGV[at + 6])
      }
      if ARGV[at] == 'sliding-window-log' then
        rings = rings + 1
        p.ring = KEYS[rings]
      end
      for _, field in ipairs(p.algorithm.fields) do fields[#fields + 1] = p.digest .. field end
      policies[#policies + 1] = p
    end
    local values, offset, allowed, ahead = { read(unpack(fields)) }, 0, true, false
    for _, p in ipairs(policies) do
      p.state = {}
      for i = 1, #p.algorithm.fields do p.state[i] = tonumber(values[offset + i]) end
      offset = offset + #p.algorithm.fields
      p.algorithm.open(p)
      p.quota = { p.algorithm.measure(p) }
      allowed = allowed and p.quota[4] == 0
      ahead = ahead or p.ahead
    end
    local charged = false
    if allowed and charge then
      for _, p in ipairs(policies) do
        if p.cost > 0 then
          p.algorithm.charge(p)
          p.cost, charged = 0, true
          p.quota = { p.algorithm.measure(p) }
        end
      end
    end
    local reply, kept, lasts = { allowed and 1 or 0 }, {}, 0
    local function keep(p, ttl, ...)
      lasts = math.max(lasts, ttl)
      for i = 1, select('#', ...) do
        kept[#kept + 1] = p.digest .. p.algorithm.fields[i]
        kept[#kept + 1] = (select(i, ...))
      end
    end
    local function exact(n)
      return n < 4503599627370496 and n or string.format('%.0f', n)
    end
    for _, p in ipairs(policies) do
      for i = 1, 4 do reply[#reply + 1] = exact(p.quota[i]) end
      keep(p, p.algorithm.save(p))
    end
    if charged or ahead then write(lasts, unpack(kept)) end
    return reply
  `,

  encode: ({ policies, costs, charge }) => [
    charge ? 1 : 0,
    ...policies.flatMap(({ algorithm, digest, limit, windowMs, anchor, refill }, index) => [
      algorithm,
      digest,
      limit,
      windowMs,
      anchor,
      refill,
      costs[index] ?? 1,
    ]),
  ],

  decode([allowed, ...numbers]) {
    const quotas: Quota[] = []
    for (let at = 0; at < numbers.length; at += 4) {
      const [remaining, nextMs, fullMs, retryMs] = numbers.slice(at, at + 4).map(Number)
      quotas.push({ remaining: remaining ?? 0, nextMs: nextMs ?? 0, fullMs: fullMs ?? 0, retryMs: retryMs ?? 0 })
    }
    return { allowed: allowed === 1, quotas }
  },

  keys: (key, { policies }) => ringKeys(key, policies),
})

/** Logs are rings of bytes beside the hash: a hash would copy them whole for every hit. */
export function ringKeys(key: string, policies: readonly Policy[]): string[] {
  return policies.filter(({ algorithm }) => algorithm === 'sliding-window-log').map(({ digest }) => `${key}:${digest}`)
}

const ALGORITHMS: Record<AlgorithmName, Algorithm<unknown>> = {
  'fixed-window': fixedWindow,
  'sliding-window-counter': slidingWindowCounter,
  'sliding-window-log': slidingWindowLog,
  'token-bucket': tokenBucket,
}
