import type { IncomingHttpHeaders } from 'node:http'
import { CONDITIONS, type Conditions, conditionsOf } from './rfc/conditional.ts'
import { fieldsOf, joined } from './rfc/fields.ts'
import type { StoredResponse } from './stored.ts'

/** A request's own conditions, taken off it so that the handlers answer in whole. */
export interface TakenConditions {
  readonly conditions: Conditions
  putBack(): void
}

export function takeConditions(headers: IncomingHttpHeaders): TakenConditions {
  const conditions = conditionsOf(headers)
  for (const name of CONDITIONS) delete headers[name]
  return {
    conditions,
    putBack() {
      for (const name of CONDITIONS) delete headers[name]
      Object.assign(headers, conditions)
    },
  }
}

/** Has the handlers say whether a stored response is still true: RFC 9111, section 4.3.1. */
export function askWhether(headers: IncomingHttpHeaders, { rawHeaders }: StoredResponse): void {
  const fields = fieldsOf(rawHeaders)
  const [tag, modified] = [joined(fields, 'etag'), joined(fields, 'last-modified')]
  if (tag !== undefined) headers['if-none-match'] = tag
  if (modified !== undefined) headers['if-modified-since'] = modified
}

/** Asks for what is missing after a stored beginning: RFC 9111, section 3.4. */
export function askForRest(headers: IncomingHttpHeaders, { rawHeaders, body }: StoredResponse): void {
  const tag = joined(fieldsOf(rawHeaders), 'etag')
  headers.range = `bytes=${body.length}-`
  if (tag !== undefined && !tag.startsWith('W/')) headers['if-range'] = tag
}
