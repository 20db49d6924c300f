import { defineOperation, type Operation } from '@holdfast/adapter'
import { partLua, ringKeys } from './algorithms.ts'
import { encodedUsage, opened, saved, type Usage, type UsageArgs } from './usage.ts'
import { OPEN, saveLua, USAGE } from './usage-lua.ts'

export interface SettleArgs extends UsageArgs {
  /** Of each policy, when it was charged, and what `mark` it had then; `NOT_CHARGED`: it is charged now. */
  readonly charged: readonly { readonly at: number; readonly mark: number }[]
  /** What each policy is charged besides; below 0, what it gives back. In a concurrency policy, units above 0 are renewed. */
  readonly units: readonly number[]
  readonly token: string
  /** Where to say `message` when capacity is freed that somebody may be refused for from memory. */
  readonly channel: string
  readonly message: string
}

export interface SettleResult {
  /** Whether anything of the charge still counted. */
  readonly settled: boolean
  readonly at: number
  /** Of each policy, as `charged` has it. */
  readonly marks: readonly number[]
}

export const NOT_CHARGED: number = -1

/** Changes what a call was charged. */
export const settle: Operation<Usage, SettleArgs, SettleResult> = defineOperation({
  name: 'rate-limit.settle',

  step(usage: Usage | undefined, args: SettleArgs, now) {
    const { charged, units, token, channel, message } = args
    const open = opened(usage, args, now)
    let settled = false
    let freed = false
    for (const [index, each] of open.policies.entries()) {
      const { policy, algorithm } = each
      const { at = now, mark = 0 } = charged[index] ?? {}
      const by = units[index] ?? 0
      if (by === 0) continue
      if (mark === NOT_CHARGED) {
        if (by < 0) continue
        each.state = algorithm.charge(each.state, policy, by, now, token)
      } else {
        const state = algorithm.settle(each.state, policy, { at, mark, token, units: by }, now)
        if (state === undefined) continue
        each.state = state ?? undefined
      }
      settled = true
      if (by < 0) freed = true
    }
    const marks = open.policies.map(({ policy, algorithm, state }) => algorithm.measure(state, policy, now).mark)
    const result = { settled, at: now, marks }
    if (!settled && !open.isAhead) return { result }
    const publish = freed && open.deniedUntil > now ? [{ channel, message }] : []
    if (freed) open.deniedUntil = 0
    return { result, next: saved(open, now), publish }
  },

  luaPrelude: USAGE,

  lua: `
    ${OPEN}
    local token, settled, freed = ARGV[2], false, false
    for i = 1, #policies do
      local p = policies[i]
      p.cost, p.at, p.mark = ARGV[3 * i + 2] + 0, ARGV[3 * i + 3] + 0, ARGV[3 * i + 4] + 0
      if p.cost ~= 0 then
        local done = p.cost > 0
        if p.mark ~= ${NOT_CHARGED} then
          done = false
          ${partLua('settle')}
        elseif done then
          ${partLua('charge')}
        end
        if done then settled, freed = true, freed or p.cost < 0 end
      end
    end
    if freed and denied > now then publish(ARGV[3], ARGV[4]) end
    if freed then denied = 0 end
    if settled or ahead then
      ${saveLua('false')}
    end
    local reply = { settled and 1 or 0, now }
    for i = 1, #policies do reply[i + 2] = policies[i].epoch or 0 end
    return reply
  `,

  encode(args) {
    const { policies, charged, units, token, channel, message } = args
    const charges = policies.flatMap((_policy, index) => [units[index] ?? 0, charged[index]?.at ?? 0, charged[index]?.mark ?? 0])
    return [encodedUsage(args), token, channel, message, ...charges]
  },

  decode: ([settled, at, ...marks]) => ({ settled: settled === 1, at: Number(at), marks: marks.map(Number) }),

  keys: (key, { policies }) => ringKeys(key, policies),
})
