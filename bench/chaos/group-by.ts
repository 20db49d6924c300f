/** The elements of each key, in their order. */
export function groupBy<T>(elements: Iterable<T>, keyOf: (element: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const element of elements) {
    const key = keyOf(element)
    const group = groups.get(key) ?? []
    groups.set(key, group)
    group.push(element)
  }
  return groups
}
