import { createRequestNotes } from '@holdfast/http'
import type { Decision } from './decision.ts'
import type { RateLimiter } from './rate-limiter.ts'

/** What was decided on one request, by the limiters that saw it. */
interface Decided {
  readonly subject: string
  readonly limiter: RateLimiter
  readonly decision: Decision
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

export const remember: (native: object, note: Decided) => void = decided.add
