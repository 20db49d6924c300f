import type { OutgoingHttpHeaders } from 'node:http'
import { fieldsOf } from './rfc/fields.ts'

/** Without the fields that were there before the handlers: whoever has set those sets them each time. */
export function ownHeaders(raw: readonly string[], before: OutgoingHttpHeaders): string[] {
  const fields = fieldsOf(raw)
  return filtered(raw, (name) => before[name] === undefined || String(before[name]) !== String(fields.get(name)))
}

export function without(raw: readonly string[], names: readonly string[]): string[] {
  return filtered(raw, (name) => !names.includes(name))
}

function filtered(raw: readonly string[], stays: (name: string) => boolean): string[] {
  const kept: string[] = []
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const [name = '', value = ''] = [raw[at], raw[at + 1]]
    if (stays(name.toLowerCase())) kept.push(name, value)
  }
  return kept
}
