import { shown } from '@holdfast/adapter/options'
import type { Policy } from '../policy.ts'
import type { Dialect } from './dialect.ts'
import { draft } from './draft.ts'
import { draft6, draft7, legacy } from './older.ts'

export type DialectName = 'draft' | 'draft-7' | 'draft-6' | 'legacy'

/**
 * Where two of them have a field in common, it is the newer one's.
 *
 * @throws {RangeError} when one is unknown, or nothing is left of it beside another
 */
export function dialectsOf(
  headers: DialectName | readonly DialectName[] | false,
  policies: readonly Policy[],
  now: () => number,
): readonly Dialect[] {
  if (headers === false) return []
  const given: unknown = typeof headers === 'string' ? [headers] : headers
  const names: readonly unknown[] = Array.isArray(given) ? given : []
  if (names.length === 0 || !names.every((name) => typeof name === 'string' && Object.hasOwn(DIALECTS, name))) {
    throw new RangeError(`headers must be ${Object.keys(DIALECTS).join(', ')}, a list of them, or false, got ${shown(headers)}`)
  }
  if (names.includes('draft') && names.includes('draft-7')) {
    throw new RangeError("headers can be 'draft' or 'draft-7', not both: they give the same fields another form")
  }
  return Object.entries(DIALECTS)
    .filter(([name]) => names.includes(name))
    .map(([, dialect]) => dialect(policies, now))
}

/** The newest last. */
const DIALECTS: Record<DialectName, (policies: readonly Policy[], now: () => number) => Dialect> = {
  legacy,
  'draft-6': draft6,
  'draft-7': draft7,
  draft,
}
