import { createRequestNotes } from '@holdfast/http'
import type { Decision } from './decision.ts'
import type { Told } from './headers/dialect.ts'
import type { RateLimiter } from './rate-limiter.ts'

/** What was decided on one request, by the limiters that saw it. */
interface Decided {
  readonly subject: string
  readonly limiter: RateLimiter
  readonly decision: Decision
  readonly told: Told
}

const decided = createRequestNotes<Decided>('holdfast.rate-limit')

/** The last decision on this request, or undefined when no limiter saw it. */
export function getRateLimit(native: object): Decision | undefined {
  return decided.on(native).at(-1)?.decision
}

/** Whether a limiter of the same name on the same adapter has charged this request to `subject` already. */
export function isDecided(native: object, { name, adapter }: RateLimiter, subject: string): boolean {
  return decided
    .on(native)
    .some((each) => each.subject === subject && each.limiter.name === name && each.limiter.adapter === adapter)
}

/** @returns What the response says so far of what was decided: what it says of this decision as well is to be added */
export function remember(native: object, limiter: RateLimiter, subject: string, decision: Decision): Told {
  const { policies, quotas } = decided.on(native).at(-1)?.told ?? NOTHING
  const told = { policies, quotas }
  decided.add(native, { limiter, subject, decision, told })
  return told
}

const NOTHING: Told = { policies: '', quotas: '' }
