import type { IncomingHttpHeaders } from 'node:http'
import fresh from 'fresh'
import { type Fields, joined } from './fields.ts'

/** The fields by which a client asks whether what it has is still true, or for a part: RFC 9110, sections 13.1 and 14.2. */
export const CONDITIONS = ['if-none-match', 'if-modified-since', 'if-match', 'if-unmodified-since', 'if-range', 'range'] as const

export type Conditions = Readonly<Partial<Record<(typeof CONDITIONS)[number], string | undefined>>>

export function conditionsOf(headers: IncomingHttpHeaders): Conditions {
  const conditions: Record<string, string> = {}
  for (const name of CONDITIONS) {
    const value = headers[name]
    if (typeof value === 'string') conditions[name] = value
  }
  return conditions
}

/**
 * Whether a client has this response already, and gets a 304: `If-None-Match` by weak comparison, else `If-Modified-Since`; RFC 9110,
 * section 13.2.2. One without `Last-Modified` was last changed at its `Date`, for all that is known.
 */
export function isNotModified(conditions: Conditions, status: number, fields: Fields): boolean {
  const { 'if-none-match': tags, 'if-modified-since': since } = conditions
  if (status !== 200 || (tags === undefined && since === undefined)) return false
  if (tags !== undefined) return tags.trim() === '*' || hasTag(tags, joined(fields, 'etag'))
  return fresh({ 'if-modified-since': since }, { 'last-modified': joined(fields, 'last-modified') ?? joined(fields, 'date') })
}

/** One may have a comma in it: RFC 9110, section 8.8.3. */
const TAG = /(?:W\/)?"[^"]*"|[^\s,]+/g

function hasTag(tags: string, etag: string | undefined): boolean {
  return etag !== undefined && (tags.match(TAG) ?? []).some((tag) => weak(tag) === weak(etag))
}

function weak(tag: string): string {
  return tag.startsWith('W/') ? tag.slice(2) : tag
}

/** The fields that a 304 has of those of its 200: RFC 9110, section 15.4.5. */
export function notModifiedHeaders(raw: readonly string[]): string[] {
  const kept: string[] = []
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const [name = '', value = ''] = [raw[at], raw[at + 1]]
    if (!name.toLowerCase().startsWith('content-') || name.toLowerCase() === 'content-location') kept.push(name, value)
  }
  return kept
}
