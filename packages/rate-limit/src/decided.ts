import type { Decision } from './decision.ts'
import type { RateLimiter } from './limiter.ts'

/** What was decided on one request, by the limiters that saw it. */
interface Decided {
  readonly limiter: RateLimiter
  readonly decision: Decision
}

const DECIDED = Symbol.for('holdfast.rate-limit')

/** The last decision on this request, or undefined when no limiter saw it. */
export function getRateLimit(native: object): Decision | undefined {
  return decidedOn(native).at(-1)?.decision
}

/** Whether a limiter of the same name on the same adapter has decided on this request: it is charged once. */
export function isDecided(native: object, { name, adapter }: RateLimiter): boolean {
  return decidedOn(native).some(({ limiter }) => limiter.name === name && limiter.adapter === adapter)
}

export function remember(native: object, limiter: RateLimiter, decision: Decision): void {
  Reflect.set(native, DECIDED, [...decidedOn(native), { limiter, decision }])
}

function decidedOn(native: object): readonly Decided[] {
  return Reflect.get(native, DECIDED) ?? []
}
