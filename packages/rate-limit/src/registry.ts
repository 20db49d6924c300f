import type { Adapter } from '@holdfast/adapter'
import { type Policy, shown } from './policy.ts'

const byAdapter = new WeakMap<Adapter, Map<string, string>>()

/**
 * Remembers the policies of a limiter's name.
 *
 * @throws {RangeError} when the name stands for other policies already: hits on one would count against the other
 */
export function registerPolicies(adapter: Adapter, name: string, policies: readonly Policy[]): void {
  const known = byAdapter.get(adapter) ?? new Map<string, string>()
  byAdapter.set(adapter, known)
  const given = JSON.stringify(policies)
  const before = known.get(name)
  if (before !== undefined && before !== given) {
    throw new RangeError(
      `Two rate limiters on one adapter are named ${shown(name)} and have different policies: give each a name of its own`,
    )
  }
  known.set(name, given)
}
