import { checkedWhole, shown } from '@holdfast/adapter/options'
import { limited, type Policy } from './policy.ts'

/** Units for all policies, or by policy name. */
export type Cost = number | { readonly [policy: string]: number }

/** Another limit for all policies, or by policy name. */
export type Limit = number | { readonly [policy: string]: number }

/**
 * What a call costs in each policy, in their order.
 *
 * @throws {TypeError | RangeError} when a cost is no whole number from 0 on, or is given for a policy that there is not
 */
export function costsOf(cost: Cost, policies: readonly Policy[]): readonly number[] {
  if (typeof cost !== 'object' || cost === null) {
    const checked = checkedCost(cost)
    return policies.map(() => checked)
  }
  checkNames('cost', cost, policies)
  return policies.map(({ name }) => checkedCost(Object.hasOwn(cost, name) ? cost[name] : 1))
}

/**
 * The policies with other limits.
 *
 * @throws {RangeError} when a limit is no whole number from 0 on, or is given for a policy that there is not
 */
export function policiesWithin(limit: Limit, policies: readonly Policy[]): readonly Policy[] {
  if (typeof limit !== 'object' || limit === null) return policies.map((policy) => limited(policy, limit))
  checkNames('limit', limit, policies)
  return policies.map((policy) => {
    const own = Object.hasOwn(limit, policy.name) ? limit[policy.name] : undefined
    return own === undefined ? policy : limited(policy, own)
  })
}

function checkNames(what: string, given: object, policies: readonly Policy[]): void {
  for (const name of Object.keys(given)) {
    if (policies.some((policy) => policy.name === name)) continue
    throw new RangeError(`${what} names a policy ${shown(name)} that this limiter does not have`)
  }
}

function checkedCost(cost: unknown): number {
  return checkedWhole('cost', cost, 0)
}
