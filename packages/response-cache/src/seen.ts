import type { Adapter } from '@holdfast/adapter'
import { createRequestNotes } from '@holdfast/http'

/** A response that is being made for a request, and in which cache it is kept. */
interface Making {
  readonly adapter: Adapter
  readonly name: string
  readonly base: string
}

const made = createRequestNotes<Making>('holdfast.response-cache.making')

/** Whether a middleware further in front has it made for the same cache: this one would wait for itself. */
export function isMade(native: object, { adapter, name }: Omit<Making, 'base'>, base: string): boolean {
  return made.on(native).some((each) => each.base === base && each.name === name && each.adapter === adapter)
}

export function rememberMade(native: object, { adapter, name }: Omit<Making, 'base'>, base: string): void {
  made.add(native, { adapter, name, base })
}
