import { defineOperation, type Operation } from '@holdfast/adapter'
import { ringKeys } from './algorithms.ts'
import { nextPenalty, type Penalty } from './consume.ts'
import { encodedUsage, opened, saved, savedBesides, type Usage, type UsageArgs } from './usage.ts'
import { OPEN, saveLua, USAGE } from './usage-lua.ts'

export interface BlockArgs extends UsageArgs {
  /** For so long; or for the next penalty. */
  readonly durationMs: number | Penalty
}

/** Refuses all calls of a subject for a while; never for less long than it is blocked already. Gives how long that is. */
export const block: Operation<Usage, BlockArgs, number> = defineOperation({
  name: 'rate-limit.block',

  step(usage: Usage | undefined, args: BlockArgs, now) {
    const { durationMs } = args
    const open = opened(usage, args, now)
    const before = open.block
    const isPenalty = typeof durationMs !== 'number'
    const lastsMs = isPenalty ? nextPenalty(durationMs, before?.penaltyMs) : durationMs
    const penaltyMs = isPenalty ? lastsMs : (before?.penaltyMs ?? 0)
    const isLonger = before === undefined || now + lastsMs >= before.until
    open.block = isLonger ? { until: now + lastsMs, lastsMs, penaltyMs } : { ...before, penaltyMs }
    return { result: open.block.until - now, next: open.isAhead ? saved(open, now) : savedBesides(open, now) }
  },

  luaPrelude: USAGE,

  lua: `
    ${OPEN}
    local lasts, factor, longest = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
    local penalty = block and block.penalty or 0
    if factor > 0 then
      lasts = penalty > 0 and math.min(longest, math.ceil(penalty * factor)) or lasts
      penalty = lasts
    end
    if block and now + lasts < block.ends then
      block.penalty = penalty
    else
      block = { ends = now + lasts, lasts = lasts, penalty = penalty }
    end
    ${saveLua('not ahead')}
    return { block.ends - now }
  `,

  encode(args) {
    const { durationMs } = args
    const growth = typeof durationMs === 'number' ? [durationMs, 0, 0] : [durationMs.baseMs, durationMs.factor, durationMs.maxMs]
    return [encodedUsage(args), ...growth]
  },

  decode: ([lastsMs]) => Number(lastsMs),

  keys: (key, { policies }) => ringKeys(key, policies),
})
