import type { Adapter } from '@holdfast/adapter'
import { messageOf } from '@holdfast/http'
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
export function getLock(native: object): Lock | undefined {
  return heldFor(native).at(-1)?.lock
}

/** Whether this request has the lock already, by a middleware before: it would wait for itself. */
export function isHeldFor(native: object, adapter: Adapter, name: string, key: string): boolean {
  return heldFor(native).some(
    (held) => held.lock.key === key && held.name === name && held.adapter === adapter && held.lock.isHeld(),
  )
}

function heldFor(native: object): readonly HeldFor[] {
  const { [HELD]: all = [] }: Request = messageOf(native)
  return all
}

export function remember(native: object, held: HeldFor): void {
  const message: Request = messageOf(native)
  const before = message[HELD]
  if (before === undefined) message[HELD] = [held]
  else before.push(held)
}
