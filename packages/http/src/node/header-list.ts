import type { OutgoingHttpHeader, ServerResponse } from 'node:http'
import { reasonOf, setReason } from './version.ts'

/** Node's types know this method of requests only. */
interface Named {
  getRawHeaderNames(): string[]
}

/** The headers that are set on a response: names and values in turn. Those of HTTP/2 are in lower case. */
export function rawHeadersOf(res: ServerResponse): string[] {
  const list: string[] = []
  const named = res as ServerResponse & Partial<Named>
  for (const name of named.getRawHeaderNames?.() ?? res.getHeaderNames()) {
    const value = res.getHeader(name)
    if (Array.isArray(value)) for (const each of value) list.push(name, each)
    else if (value !== undefined) list.push(name, String(value))
  }
  return list
}

/** Sets headers from names and values in turn. One that is repeated is set to all its values, whatever it was before. */
export function setRawHeaders(res: ServerResponse, list: readonly OutgoingHttpHeader[]): void {
  for (let index = 0; index < list.length; index += 2) {
    const name = nameAt(list, index)
    const value = list[index + 1] ?? ''
    if (!isRepeated(list, index)) res.setHeader(name, value)
    else res.appendHeader(name, Array.isArray(value) ? value : String(value))
  }
}

function nameAt(list: readonly OutgoingHttpHeader[], index: number): string {
  const name = list[index]
  return typeof name === 'string' ? name : String(name)
}

/** Whether the name at `index` stands before it already. */
function isRepeated(list: readonly OutgoingHttpHeader[], index: number): boolean {
  const name = nameAt(list, index)
  for (let at = 0; at < index; at += 2) if (isSame(name, nameAt(list, at))) return true
  return false
}

/** Whether a name is among others, of which those before `from` do not count. */
export function isAmong(names: readonly string[], name: string, from = 0): boolean {
  for (let at = from; at < names.length; at += 1) if (isSame(name, names[at] ?? '')) return true
  return false
}

/** Mostly the length, the last letter or the spelling tell already: `toLowerCase` costs far more. */
function isSame(name: string, other: string): boolean {
  if (other.length !== name.length || lastOf(other) !== lastOf(name)) return false
  return other === name || other.toLowerCase() === name.toLowerCase()
}

/** The last letter, small. */
function lastOf(name: string): number {
  return name.charCodeAt(name.length - 1) | 0x20
}

/** What a response had before later handlers came. */
export interface Snapshot {
  readonly status: number
  readonly message: string
  readonly sendDate: boolean
  readonly headers: readonly string[]
}

export function snapshotOf(res: ServerResponse): Snapshot {
  return { status: res.statusCode, message: reasonOf(res), sendDate: res.sendDate, headers: rawHeadersOf(res) }
}

/** Takes away what later handlers have set. */
export function restore(res: ServerResponse, { status, message, sendDate, headers }: Snapshot): void {
  res.statusCode = status
  setReason(res, message)
  for (const name of res.getHeaderNames()) res.removeHeader(name)
  setRawHeaders(res, headers)
  res.sendDate = sendDate // removing a Date header turns it off
}
