import { type Item, serializeItem, serializeList } from 'structured-headers'
import type { Decision } from './decision.ts'
import type { Policy } from './policy.ts'

/** Header fields, as name and value. */
export type Fields = readonly (readonly [name: string, value: string])[]

export type FieldsOf = (decision: Decision) => Fields

/**
 * The fields of draft-ietf-httpapi-ratelimit-headers-11. What depends on the policies alone is made once.
 *
 * `RateLimit-Policy: "hourly";q=1000;w=3600` and `RateLimit: "hourly";r=999;t=3600`; `RateLimit` is left out when nobody counted.
 */
export function draftFields(policies: readonly Policy[]): FieldsOf {
  const policyField = serializeList(policies.map(quotaPolicy))
  const names = new Map(policies.map(({ name }) => [name, serializeItem(name)]))
  return (decision) => {
    const limits = decision.policies.map(({ name, remaining, nextMs }) => {
      const available = `${names.get(name)};r=${remaining}`
      return nextMs > 0 ? `${available};t=${Math.ceil(nextMs / 1_000)}` : available
    })
    const policy = ['RateLimit-Policy', policyField] as const
    return limits.length === 0 ? [policy] : [policy, ['RateLimit', limits.join(', ')]]
  }
}

/** No window in the field for one of under a second: its unit is the second. */
function quotaPolicy({ name, limit, windowMs }: Policy): Item {
  const parameters = new Map([['q', limit]])
  if (windowMs >= 1_000) parameters.set('w', Math.ceil(windowMs / 1_000))
  return [name, parameters]
}
