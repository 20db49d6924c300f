import type { Adapter } from '@holdfast/adapter'
import { shown } from './policy.ts'

const byAdapter = new WeakMap<Adapter, Map<string, string>>()

/**
 * Remembers what a limiter's name stands for: its policies and its penalty.
 *
 * @throws {RangeError} when it stands for something else already: hits on one limiter would count against the other
 */
export function registerPolicies(adapter: Adapter, name: string, meaning: object): void {
  const known = byAdapter.get(adapter) ?? new Map<string, string>()
  byAdapter.set(adapter, known)
  const given = JSON.stringify(meaning)
  const before = known.get(name)
  if (before !== undefined && before !== given) {
    throw new RangeError(
      `Two rate limiters on one adapter are named ${shown(name)} and have different policies: give each a name of its own`,
    )
  }
  known.set(name, given)
}
