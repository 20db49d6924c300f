import { type Policy, shown } from './policy.ts'

/** Units for all policies, or by policy name. */
export type Cost = number | { readonly [policy: string]: number }

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
  for (const name of Object.keys(cost)) {
    if (!policies.some((policy) => policy.name === name)) {
      throw new RangeError(`cost names a policy ${shown(name)} that this limiter does not have`)
    }
  }
  return policies.map(({ name }) => checkedCost(Object.hasOwn(cost, name) ? cost[name] : 1))
}

function checkedCost(cost: unknown): number {
  if (typeof cost === 'number' && Number.isSafeInteger(cost) && cost >= 0) return cost
  throw new RangeError(`cost must be a whole number from 0 to ${Number.MAX_SAFE_INTEGER}, got ${shown(cost)}`)
}
