import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { fieldsOf } from './rfc/fields.ts'

/** What says whether, for how long and for whom a response may be stored: whoever has said so. */
const DECIDING = new Set(['cache-control', 'cdn-cache-control', 'expires', 'vary'])

/** Sets what decides on a response that is made in the place of one which had it. */
export function decideAs(before: OutgoingHttpHeaders, response: ServerResponse): void {
  for (const name of DECIDING) {
    const value = before[name]
    if (value !== undefined) response.setHeader(name, value)
  }
}

/** Without the fields that were there before the handlers, but for those that decide: whoever has set those sets them each time. */
export function ownHeaders(raw: readonly string[], before: OutgoingHttpHeaders): string[] {
  const fields = fieldsOf(raw)
  return filtered(
    raw,
    (name) => before[name] === undefined || DECIDING.has(name) || String(before[name]) !== String(fields.get(name)),
  )
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
