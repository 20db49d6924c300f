/** What nobody sends on purpose, and the stack does not hold. */
const DEEPEST = 1_000

/**
 * JSON with sorted keys and without white space (RFC 8785, section 3.2): the same for what is the same.
 *
 * @throws {NestedTooDeepError} where it is nested more than 1,000 deep, or in a circle
 */
export function canonical(value: unknown, depth = 0): string {
  if (typeof value !== 'object' || value === null) return scalar(value)
  if (depth >= DEEPEST) throw new NestedTooDeepError(`Nested more than ${DEEPEST} deep`)
  if (Array.isArray(value)) return `[${value.map((each) => canonical(each, depth + 1)).join(',')}]`
  if (hasOwnForm(value)) return canonical(value.toJSON(), depth + 1)
  if (isIterable(value)) return canonical([...value], depth)
  const members: string[] = []
  for (const [name, member] of Object.entries(value).sort(byName)) {
    if (member !== undefined) members.push(`${JSON.stringify(name)}:${canonical(member, depth + 1)}`)
  }
  return `{${members.join(',')}}`
}

export class NestedTooDeepError extends RangeError {}

function hasOwnForm(value: object): value is { toJSON(): unknown } {
  return 'toJSON' in value && typeof value.toJSON === 'function'
}

/** What a Map, a Set, a URLSearchParams or a FormData holds is none of its own fields. */
function isIterable(value: object): value is Iterable<unknown> {
  return Symbol.iterator in value && typeof value[Symbol.iterator] === 'function'
}

function scalar(value: unknown): string {
  return typeof value === 'bigint' ? String(value) : (JSON.stringify(value) ?? 'null')
}

/** By UTF-16 code units, as RFC 8785 has it. */
function byName([one]: [string, unknown], [other]: [string, unknown]): number {
  return one < other ? -1 : 1
}
