import { SLOTS, slotOf } from './slot.ts'

let tags: string[] | undefined

/**
 * The hash tag, with its braces, that is in a slot. It is part of names of keys: it must stay what it is.
 *
 * Of a slot it is the first number, written to the base of 36, that Redis hashes to it.
 */
export function hashTagOf(slot: number): string {
  tags ??= allTags()
  return tags[slot] ?? ''
}

function allTags(): string[] {
  const found: string[] = []
  for (let number = 0, missing = SLOTS; missing > 0; number += 1) {
    const text = number.toString(36)
    const slot = slotOf(text)
    if (found[slot] !== undefined) continue
    found[slot] = `{${text}}`
    missing -= 1
  }
  return found
}
