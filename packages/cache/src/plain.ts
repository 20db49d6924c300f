/** Whether it is an object literal, of whichever realm: what has no prototype, or one that has none. */
export function isPlainObject(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

/** Freezes a value of object literals, arrays and primitives through and through. False, and nothing is frozen, when it has others. */
export function freezePlain(value: unknown): boolean {
  const seen = new Set<object>()
  if (!isPlain(value, seen)) return false
  for (const each of seen) Object.freeze(each)
  return true
}

function isPlain(value: unknown, seen: Set<object>): boolean {
  if (typeof value !== 'object' || value === null) return typeof value !== 'function'
  if (seen.has(value)) return true
  if (!Array.isArray(value) && !isPlainObject(value)) return false
  seen.add(value)
  return Object.values(value).every((each) => isPlain(each, seen))
}
