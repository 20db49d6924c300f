import type { Adapter } from '@holdfast/adapter'
import { messageOf } from '@holdfast/http'

/** A response that is being made for a request, and in which cache it is kept. */
interface Making {
  readonly adapter: Adapter
  readonly name: string
  readonly base: string
}

// A registered symbol: a second copy of this package finds it as well.
const MAKING: unique symbol = Symbol.for('holdfast.response-cache.making')

type Request = object & { [MAKING]?: Making[] }

/** Whether a middleware further in front has it made for the same cache: this one would wait for itself. */
export function isMade(native: object, { adapter, name }: Omit<Making, 'base'>, base: string): boolean {
  const { [MAKING]: all }: Request = messageOf(native)
  return all?.some((each) => each.base === base && each.name === name && each.adapter === adapter) === true
}

export function rememberMade(native: object, { adapter, name }: Omit<Making, 'base'>, base: string): void {
  const message: Request = messageOf(native)
  const before = message[MAKING]
  if (before === undefined) message[MAKING] = [{ adapter, name, base }]
  else before.push({ adapter, name, base })
}
