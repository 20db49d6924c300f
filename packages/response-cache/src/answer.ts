import type { HttpResponse } from '@holdfast/http'
import { cacheStatus, type Handling } from './cache-status.ts'
import { type Conditions, isNotModified, notModifiedHeaders } from './rfc/conditional.ts'
import { fieldsOf } from './rfc/fields.ts'
import { partOf } from './rfc/range.ts'
import type { StoredResponse } from './stored.ts'

/** How a stored response is served. */
export interface Serving {
  readonly method: string
  readonly conditions: Conditions
  readonly ageMs: number
  readonly handling: Handling
  readonly cacheName: string | false
}

/** A stored response as its client gets it: whole, in part, or as a 304. Undefined when what is stored has not the part that it wants. */
export function answerOf(
  stored: StoredResponse,
  { method, conditions, ageMs, handling, cacheName }: Serving,
): HttpResponse | undefined {
  const { status, rawHeaders, body } = stored
  const headers: Record<string, string> = { Age: String(Math.floor(ageMs / 1_000)) }
  if (cacheName !== false) headers['Cache-Status'] = cacheStatus(cacheName, handling)
  if (status !== 206 && !isConditional(conditions)) return { status, rawHeaders, headers, body }
  const fields = fieldsOf(rawHeaders)
  if (isNotModified(conditions, status, fields)) return { status: 304, rawHeaders: notModifiedHeaders(rawHeaders), headers }
  if (method !== 'GET') return status === 206 ? undefined : { status, rawHeaders, headers, body }
  const part = partOf(stored, fields, conditions)
  switch (part.state) {
    case 'whole':
      return { status, rawHeaders, headers, body }
    case 'part':
      headers['Content-Range'] = `bytes ${part.first}-${part.last}/${part.total}`
      return { status: 206, rawHeaders, headers, body: part.body }
    case 'unsatisfiable':
      return { status: 416, headers: { ...headers, 'Content-Range': `bytes */${body.length}` } }
    case 'not-here':
      return undefined
  }
}

function isConditional({ 'if-none-match': tags, 'if-modified-since': since, range }: Conditions): boolean {
  return tags !== undefined || since !== undefined || range !== undefined
}
