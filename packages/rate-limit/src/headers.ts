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
  const policyField = serializeList(policies.filter(({ shadow }) => !shadow).map(quotaPolicy))
  const names = policies.map(({ name, shadow }) => (shadow ? undefined : serializeItem(name)))
  return (decision) => {
    const limits: string[] = []
    for (const [index, { remaining, nextMs }] of decision.policies.entries()) {
      const name = names[index]
      if (name === undefined) continue // clients are not told of what does not bind them
      const available = `${name};r=${remaining}`
      limits.push(nextMs > 0 ? `${available};t=${Math.ceil(nextMs / 1_000)}` : available)
    }
    if (policyField === '') return []
    const policy = ['RateLimit-Policy', policyField] as const
    return limits.length === 0 ? [policy] : [policy, ['RateLimit', limits.join(', ')]]
  }
}

/** No window in the field for one of under a second: its unit is the second. */
function quotaPolicy({ name, algorithm, limit, windowMs }: Policy): Item {
  const parameters = new Map<string, number | string>([['q', limit]])
  if (algorithm === 'concurrency') parameters.set('qu', 'concurrent-requests')
  else if (windowMs >= 1_000) parameters.set('w', Math.ceil(windowMs / 1_000))
  return [name, parameters]
}
