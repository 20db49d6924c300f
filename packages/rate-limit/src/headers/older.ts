import type { Decision, PolicyDecision } from '../decision.ts'
import type { Policy } from '../policy.ts'
import type { Dialect } from './dialect.ts'
import { integer } from './draft.ts'

/** `RateLimit: limit=5, remaining=4, reset=10` and `RateLimit-Policy: 5;w=10`. */
export function draft7(policies: readonly Policy[]): Dialect {
  return ofOnePolicy(policies, (exchange, policy, { limit, remaining, fullMs }) => {
    exchange.setHeader('RateLimit', `limit=${integer(limit)}, remaining=${integer(remaining)}, reset=${seconds(fullMs)}`)
    exchange.setHeader('RateLimit-Policy', quotaPolicy(policy, limit))
  })
}

/** `RateLimit-Limit: 5`, `RateLimit-Remaining: 4`, `RateLimit-Reset: 10` and `RateLimit-Policy: 5;w=10`. */
export function draft6(policies: readonly Policy[]): Dialect {
  return ofOnePolicy(policies, (exchange, policy, { limit, remaining, fullMs }) => {
    exchange.setHeader('RateLimit-Limit', String(integer(limit)))
    exchange.setHeader('RateLimit-Remaining', String(integer(remaining)))
    exchange.setHeader('RateLimit-Reset', String(seconds(fullMs)))
    exchange.setHeader('RateLimit-Policy', quotaPolicy(policy, limit))
  })
}

/** `X-RateLimit-Limit: 5`, `X-RateLimit-Remaining: 4`, and `X-RateLimit-Reset`, in seconds since the epoch. */
export function legacy(policies: readonly Policy[], now: () => number): Dialect {
  return ofOnePolicy(policies, (exchange, _policy, { limit, remaining, fullMs }) => {
    exchange.setHeader('X-RateLimit-Limit', String(limit))
    exchange.setHeader('X-RateLimit-Remaining', String(remaining))
    exchange.setHeader('X-RateLimit-Reset', String(seconds(now() + fullMs)))
  })
}

type TellOne = (exchange: Parameters<Dialect>[0], policy: Policy, decided: PolicyDecision) => void

/** Tells of the policy that is closest to exhaustion: these dialects have room for one. */
function ofOnePolicy(policies: readonly Policy[], tell: TellOne): Dialect {
  const binding = policies.filter(({ shadow }) => !shadow)
  const rates = binding.filter(({ algorithm }) => algorithm !== 'concurrency')
  const told = rates.length > 0 ? rates : binding
  const places = told.map((policy) => policies.indexOf(policy))
  return (exchange, decision) => {
    const place = closest(places, decision)
    const policy = place === undefined ? undefined : policies[place]
    const decided = place === undefined ? undefined : decision.policies[place]
    if (policy !== undefined && decided !== undefined) tell(exchange, policy, decided)
  }
}

/** The policy with the fewest units left; of several, the one that takes longest to be whole. */
function closest(places: readonly number[], { policies }: Decision): number | undefined {
  let found: number | undefined
  for (const place of places) {
    const each = policies[place]
    const least = found === undefined ? undefined : policies[found]
    if (each === undefined) continue
    const isCloser =
      least === undefined ||
      each.remaining < least.remaining ||
      (each.remaining === least.remaining && each.fullMs > least.fullMs)
    if (isCloser) found = place
  }
  return found
}

function quotaPolicy({ algorithm, windowMs }: Policy, limit: number): string {
  const quota = integer(limit)
  return algorithm === 'concurrency' ? String(quota) : `${quota};w=${seconds(windowMs)}`
}

function seconds(ms: number): number {
  return Math.ceil(ms / 1_000)
}
