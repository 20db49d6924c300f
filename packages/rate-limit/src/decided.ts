import { messageOf } from '@holdfast/http'
import type { Decision } from './decision.ts'
import type { RateLimiter } from './limiter.ts'

/** What was decided on one request, by the limiters that saw it. */
interface Decided {
  readonly subject: string
  readonly limiter: RateLimiter
  readonly decision: Decision
}

// A registered symbol: a second copy of this package finds the decisions as well.
const DECIDED: unique symbol = Symbol.for('holdfast.rate-limit')

type Request = object & { [DECIDED]?: Decided[] }

/** The last decision on this request, or undefined when no limiter saw it. */
export function getRateLimit(native: object): Decision | undefined {
  const { [DECIDED]: all }: Request = messageOf(native)
  return all?.at(-1)?.decision
}

/** Whether a limiter of the same name on the same adapter has charged this request to `subject` already. */
export function isDecided(native: object, { name, adapter }: RateLimiter, subject: string): boolean {
  const { [DECIDED]: decided }: Request = messageOf(native)
  if (decided === undefined) return false
  return decided.some((each) => each.subject === subject && each.limiter.name === name && each.limiter.adapter === adapter)
}

export function remember(native: object, decided: Decided): void {
  const request: Request = messageOf(native)
  const before = request[DECIDED]
  if (before === undefined) request[DECIDED] = [decided]
  else before.push(decided)
}
