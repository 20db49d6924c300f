import { type Adapter, perAdapter } from '@holdfast/adapter'
import { shown } from '@holdfast/adapter/options'

const meaningsOf = perAdapter(() => new Map<string, string>())

/**
 * Remembers what a limiter's name stands for: its policies and its penalty.
 *
 * @throws {RangeError} when it stands for something else already: hits on one limiter would count against the other
 */
export function registerPolicies(adapter: Adapter, name: string, meaning: object): void {
  const known = meaningsOf(adapter)
  const given = JSON.stringify(meaning)
  const before = known.get(name)
  if (before !== undefined && before !== given) {
    throw new RangeError(
      `Two rate limiters on one adapter are named ${shown(name)} and have different policies: give each a name of its own`,
    )
  }
  known.set(name, given)
}
