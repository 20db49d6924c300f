/** What nobody sends on purpose, and the stack does not hold. */
const DEEPEST = 1_000

/**
 * JSON with sorted keys and without white space (RFC 8785, section 3.2): the same for what is the same.
 *
 * @throws {NestedTooDeepError} where it is nested more than 1,000 deep, or in a circle
 */
export function canonical(value: unknown): string {
  return written(value, new Set())
}

/** @param within What it is nested in */
function written(value: unknown, within: Set<object>): string {
  if (typeof value !== 'object' || value === null) return scalar(value)
  if (within.size >= DEEPEST || within.has(value))
    throw new NestedTooDeepError(`Nested more than ${DEEPEST} deep, or in a circle`)
  within.add(value)
  const text = composed(value, within)
  within.delete(value)
  return text
}

function composed(value: object, within: Set<object>): string {
  if (Array.isArray(value)) return list(value, within)
  if (hasOwnForm(value)) return written(value.toJSON(), within)
  if (isIterable(value)) return list([...value], within)
  const members: string[] = []
  for (const [name, member] of Object.entries(value).sort(byName)) {
    if (member !== undefined) members.push(`${JSON.stringify(name)}:${written(member, within)}`)
  }
  return `{${members.join(',')}}`
}

function list(items: readonly unknown[], within: Set<object>): string {
  return `[${items.map((each) => written(each, within)).join(',')}]`
}

export class NestedTooDeepError extends RangeError {}

function hasOwnForm(value: object): value is { toJSON(): unknown } {
  return 'toJSON' in value && typeof value.toJSON === 'function'
}

/** What a Map, a Set, a URLSearchParams or a FormData holds is none of its own fields. */
function isIterable(value: object): value is Iterable<unknown> {
  return Symbol.iterator in value && typeof value[Symbol.iterator] === 'function'
}

/** `1e400` is parsed to Infinity, which JSON writes as it does null. */
function scalar(value: unknown): string {
  const isNumber = typeof value === 'bigint' || (typeof value === 'number' && !Number.isFinite(value))
  return isNumber ? String(value) : (JSON.stringify(value) ?? 'null')
}

/** By UTF-16 code units, as RFC 8785 has it. */
function byName([one]: [string, unknown], [other]: [string, unknown]): number {
  return one < other ? -1 : 1
}
