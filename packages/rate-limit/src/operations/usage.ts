import type { Policy } from '../policy.ts'
import type { Algorithm } from './algorithm.ts'
import { algorithmOf } from './algorithms.ts'

/** What one subject has used, and what is held against it. */
export interface Usage {
  /** By the digests of the policies; also of those that only another version of the app has. */
  readonly counts: Map<string, unknown>
  block: Block | undefined
  /** Until when a process may answer refusals from memory: who frees capacity before tells them. */
  deniedUntil: number
  /** When none of it matters any more. */
  until: number
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
  readonly kept: Usage | undefined
  readonly policies: readonly OpenedPolicy[]
  readonly keepMs: number
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

export function opened(kept: Usage | undefined, { policies, keepMs }: UsageArgs, now: number): Opened {
  let isAhead = false
  const open: OpenedPolicy[] = []
  for (const policy of policies) {
    const algorithm = algorithmOf(policy)
    const before = kept?.counts.get(policy.digest)
    if (before !== undefined && algorithm.isAhead(before, policy, now)) isAhead = true
    open.push({ policy, algorithm, state: algorithm.open(before, policy, now) })
  }
  let block = kept?.block
  if (block !== undefined && block.until > now + block.lastsMs) {
    block = { ...block, until: now + block.lastsMs }
    isAhead = true
  }
  if (block !== undefined && block.until + keepMs <= now) block = undefined
  return { kept, policies: open, keepMs, block, deniedUntil: kept?.deniedUntil ?? 0, isAhead }
}

export function blockedMs({ block }: Opened, now: number): number {
  return block === undefined ? 0 : Math.max(0, block.until - now)
}

interface Saved {
  readonly state: Usage
  readonly ttlMs: number
}

/** What is kept of it, beside what other versions of the app keep there. */
export function saved(open: Opened, now: number): Saved {
  const usage = open.kept ?? noUsage()
  const ttlMs = lifetime(open, now)
  const { counts } = usage
  for (const { policy, state } of open.policies) {
    if (state !== undefined || counts.has(policy.digest)) counts.set(policy.digest, state)
  }
  return keep(open, usage, ttlMs, now)
}

/** The same where only what is held against it has changed: its counts stay as they were, for a clock that steps back. */
export function savedBesides(open: Opened, now: number): Saved {
  return keep(open, open.kept ?? noUsage(), lifetime(open, now), now)
}

function noUsage(): Usage {
  return { counts: new Map(), block: undefined, deniedUntil: 0, until: 0 }
}

function keep({ block, deniedUntil }: Opened, usage: Usage, ttlMs: number, now: number): Saved {
  usage.block = block
  usage.deniedUntil = deniedUntil > now ? deniedUntil : 0
  usage.until = now + ttlMs
  return { state: usage, ttlMs }
}

/** Until none of it matters, where the policies of another version keep it as long as it was to last. */
function lifetime({ kept, policies, keepMs, block }: Opened, now: number): number {
  let ttlMs = block === undefined ? 0 : block.until + keepMs - now
  let foreign = kept?.counts.size ?? 0
  for (const { policy, algorithm, state } of policies) {
    if (kept?.counts.has(policy.digest)) foreign -= 1
    if (state !== undefined) ttlMs = Math.max(ttlMs, algorithm.ttlMs(state, policy, now))
  }
  return kept !== undefined && foreign > 0 ? Math.max(ttlMs, kept.until - now) : ttlMs
}

/** What the Lua of a step has to know of them: in one argument, made once for each list. */
export function encodedUsage({ policies, keepMs }: UsageArgs): string {
  const known = encoded.get(policies)
  if (known?.keepMs === keepMs) return known.text
  const given = policies.map(({ algorithm, digest, limit, windowMs, anchor, refill, shadow }) =>
    [algorithm, digest, limit, windowMs, algorithm === 'token-bucket' ? refill : anchor, shadow ? 1 : 0].join(' '),
  )
  const text = [...given, keepMs].join(';')
  encoded.set(policies, { keepMs, text })
  return text
}

const encoded = new WeakMap<readonly Policy[], { readonly keepMs: number; readonly text: string }>()
