import type { Adapter } from './adapter.ts'

/** What there is one of for each adapter in this process: made when it is first asked for, and gone with the adapter. */
export function perAdapter<Part>(create: (adapter: Adapter) => Part): (adapter: Adapter) => Part {
  const parts = new WeakMap<Adapter, Part>()
  return function partOf(adapter) {
    const known = parts.get(adapter)
    if (known !== undefined) return known
    const created = create(adapter)
    parts.set(adapter, created)
    return created
  }
}
