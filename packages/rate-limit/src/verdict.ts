import type { Decision, DecisionSource, PolicyDecision, Receipt } from './decision.ts'
import type { Refusal } from './deny-cache.ts'
import type { ConsumeArgs, ConsumeResult } from './operations/consume.ts'
import type { Policy } from './policy.ts'
import { NO_RECEIPT } from './receipt.ts'

/** The decision as callers see it. */
export function verdict(
  policies: readonly Policy[],
  result: ConsumeResult,
  source: DecisionSource,
  receipt: Receipt | undefined,
): Decision {
  const { allowed, waits, quotas, blockedMs, penaltyMs } = result
  const blocked = blockedMs > 0
  const violated: string[] = []
  const decided: PolicyDecision[] = []
  let retryAfterMs = Math.max(blockedMs, penaltyMs)
  for (let index = 0; index < policies.length; index += 1) {
    const policy = policies[index]
    const quota = quotas[index]
    if (policy === undefined || quota === undefined) continue
    const { name, limit, shadow } = policy
    const { remaining, nextMs, fullMs } = quota
    const waitMs = waits[index] ?? 0
    const isViolated = waitMs !== 0 && !blocked
    if (isViolated && !shadow) violated.push(name)
    if (!shadow) retryAfterMs = Math.max(retryAfterMs, waitMs < 0 ? Number.POSITIVE_INFINITY : waitMs)
    decided.push({ name, limit, remaining, nextMs, fullMs, violated: isViolated })
  }
  return { allowed, retryAfterMs, violated, blocked, policies: decided, source, receipt }
}

/**
 * What a refusal says of later calls, for as long as no unit comes back in any policy; undefined where a concurrency policy refuses,
 * which frees units at any time.
 */
export function refusalOf(
  subject: string,
  { policies, costs }: ConsumeArgs,
  result: ConsumeResult,
  decision: Decision,
): Refusal | undefined {
  let unchangedMs = Number.POSITIVE_INFINITY
  for (const { nextMs } of result.quotas) if (nextMs > 0) unchangedMs = Math.min(unchangedMs, nextMs)
  const blockMs = Math.max(result.blockedMs, result.penaltyMs)
  let latest: number | undefined
  let lastsMs = blockMs
  for (const [index, { algorithm, shadow, windowMs }] of policies.entries()) {
    const waitMs = result.waits[index] ?? 0
    if (shadow || waitMs === 0) continue
    if (algorithm === 'concurrency' && blockMs === 0) return undefined
    const refusedMs = waitMs < 0 ? windowMs : waitMs
    if (refusedMs <= lastsMs) continue
    latest = index
    lastsMs = refusedMs
  }
  const refused = { subject, policies, index: latest, cost: latest === undefined ? 0 : (costs[latest] ?? 1) }
  if (blockMs > 0) {
    const blocked = verdict(policies, { ...result, blockedMs: blockMs }, 'adapter', undefined)
    return { ...refused, lastsMs: Math.min(blockMs, unchangedMs), decision: blocked }
  }
  if (latest === undefined) return undefined
  return { ...refused, lastsMs: Math.min(lastsMs, unchangedMs), decision }
}

/** How soon a client may ask again when nobody can decide, and the adapter does not say when it tries again. */
const NEXT_PROBE_MS = 1_000

const NOBODY = { violated: [], blocked: false, policies: [] }

export const OPEN: Decision = { ...NOBODY, allowed: true, retryAfterMs: 0, source: 'open', receipt: NO_RECEIPT }

export function closedBy(failed: Error): Decision {
  const known = 'retryAfterMs' in failed && typeof failed.retryAfterMs === 'number' ? failed.retryAfterMs : NEXT_PROBE_MS
  return { ...NOBODY, allowed: false, retryAfterMs: Math.max(1, Math.ceil(known)), source: 'closed', receipt: undefined }
}
