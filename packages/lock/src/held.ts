import type { Adapter } from '@holdfast/adapter'
import { createRequestNotes } from '@holdfast/http'
import type { Lock } from './lock.ts'

/** A lock that is held for a request. */
interface HeldFor {
  readonly adapter: Adapter
  readonly name: string
  readonly lock: Lock
}

const held = createRequestNotes<HeldFor>('holdfast.lock')

/** The lock that was taken last for this request: its `signal` and its `fence`. Undefined when there is none. */
export function getLock(native: object): Lock | undefined {
  return held.on(native).at(-1)?.lock
}

/** Whether this request has the lock already, by a middleware before: it would wait for itself. */
export function isHeldFor(native: object, adapter: Adapter, name: string, key: string): boolean {
  return held
    .on(native)
    .some((each) => each.lock.key === key && each.name === name && each.adapter === adapter && each.lock.isHeld())
}

export const remember: (native: object, note: HeldFor) => void = held.add
