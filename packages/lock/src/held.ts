import type { Adapter } from '@holdfast/adapter'
import type { Lock } from './lock.ts'

/** A lock that is held for a request. */
interface HeldFor {
  readonly adapter: Adapter
  readonly name: string
  readonly lock: Lock
}

// A registered symbol: a second copy of this package finds the locks as well.
const HELD: unique symbol = Symbol.for('holdfast.lock')

type Request = object & { [HELD]?: HeldFor[] }

/** The lock that was taken last for this request: its `signal` and its `fence`. Undefined when there is none. */
export function getLock(native: Request): Lock | undefined {
  return native[HELD]?.at(-1)?.lock
}

/** Whether this request has the lock already, by a middleware before: it would wait for itself. */
export function isHeldFor(native: Request, adapter: Adapter, name: string, key: string): boolean {
  const all = native[HELD] ?? []
  return all.some((held) => held.lock.key === key && held.name === name && held.adapter === adapter && held.lock.isHeld())
}

export function remember(native: Request, held: HeldFor): void {
  const before = native[HELD]
  if (before === undefined) native[HELD] = [held]
  else before.push(held)
}
