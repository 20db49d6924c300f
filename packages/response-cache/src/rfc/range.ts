import type { StoredResponse } from '../stored.ts'
import type { Conditions } from './conditional.ts'
import { type Fields, joined } from './fields.ts'
import { httpDate } from './http-date.ts'

/** The part that a request gets of a stored response. `'not-here'`: of a part that is stored, it wants more. */
export type Part =
  | { readonly state: 'whole' | 'not-here' | 'unsatisfiable' }
  | { readonly state: 'part'; readonly first: number; readonly last: number; readonly total: number; readonly body: Uint8Array }

const RANGE = /^bytes=(\d*)-(\d*)$/

/**
 * The part that is asked for: RFC 9110, section 14. Of several ranges in one request, which a server may ignore, none is served.
 */
export function partOf({ status, body }: StoredResponse, fields: Fields, conditions: Conditions): Part {
  const { range, 'if-range': ifRange } = conditions
  const asks = range !== undefined && RANGE.test(range) && (ifRange === undefined || isSame(ifRange, fields))
  if (status === 206) return asks ? partOfPart(range, body, contentRange(fields)) : { state: 'not-here' }
  if (!asks || status !== 200) return { state: 'whole' }
  return partOfWhole(range, body)
}

function partOfWhole(range: string, body: Uint8Array): Part {
  const [, from = '', to = ''] = RANGE.exec(range) ?? []
  if (from === '' && to === '') return { state: 'whole' }
  const total = body.length
  // The last bytes: of a body that has fewer, all.
  const first = from === '' ? Math.max(0, total - Number(to)) : Number(from)
  const last = from === '' || to === '' ? total - 1 : Math.min(Number(to), total - 1)
  if (first > last) return { state: 'unsatisfiable' }
  return { state: 'part', first, last, total, body: body.subarray(first, last + 1) }
}

function partOfPart(range: string, body: Uint8Array, here: ContentRange | undefined): Part {
  if (here === undefined) return { state: 'not-here' }
  const { first, last, total } = here
  const [, from = '', to = ''] = RANGE.exec(range) ?? []
  const reachesEnd = last === total - 1
  if (from === '') {
    const length = Number(to)
    if (to === '' || !reachesEnd || length > body.length || length === 0) return { state: 'not-here' }
    return { state: 'part', first: total - length, last: total - 1, total, body: body.subarray(body.length - length) }
  }
  const start = Number(from)
  const end = to === '' ? total - 1 : Math.min(Number(to), total - 1)
  const lastHere = Math.min(end, first + body.length - 1)
  if (start < first || start > lastHere || end < start || (lastHere < end && !reachesEnd)) return { state: 'not-here' }
  return { state: 'part', first: start, last: lastHere, total, body: body.subarray(start - first, lastHere - first + 1) }
}

/** `If-Range` by strong comparison: RFC 9110, section 13.1.5. A date is strong when the response was made a second after it, or later. */
function isSame(ifRange: string, fields: Fields): boolean {
  const tag = joined(fields, 'etag')
  if (ifRange.includes('"')) return !ifRange.startsWith('W/') && ifRange === tag
  const date = httpDate(ifRange, 0)
  const made = httpDate(joined(fields, 'date'), 0)
  return date !== undefined && date === httpDate(joined(fields, 'last-modified'), 0) && made !== undefined && made - date >= 1_000
}

/** The positions of a 206's first and last byte, and the length of the whole. */
export interface ContentRange {
  readonly first: number
  readonly last: number
  readonly total: number
}

/** Undefined when it is not known: RFC 9110, section 14.4. */
export function contentRange(fields: Fields): ContentRange | undefined {
  const [, first, last, total] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(joined(fields, 'content-range') ?? '') ?? []
  return first === undefined ? undefined : { first: Number(first), last: Number(last), total: Number(total) }
}
