import { type Fields, joined } from './fields.ts'
import { httpDate } from './http-date.ts'

/** When a request was sent, and when the head of its response came; in milliseconds since the epoch. */
export interface Exchanged {
  readonly requestedAt: number
  readonly respondedAt: number
}

/** How old a response was when it came, in milliseconds: `corrected_initial_age` of RFC 9111, section 4.2.3. */
export function initialAge(fields: Fields, { requestedAt, respondedAt }: Exchanged): number {
  const date = httpDate(joined(fields, 'date'), respondedAt)
  // A Date has whole seconds: up to one of them is no age.
  const apparent = date === undefined ? 0 : Math.max(0, Math.floor((respondedAt - date) / 1_000) * 1_000)
  const corrected = ageSaid(fields) + Math.max(0, respondedAt - requestedAt)
  return Math.max(apparent, corrected)
}

/** Of several values the first counts; one that is no number of seconds does not. */
function ageSaid(fields: Fields): number {
  const [value = ''] = fields.get('age')?.[0]?.split(',') ?? []
  return /^\s*\d+\s*$/.test(value) ? Math.min(Number(value), 2 ** 31) * 1_000 : 0
}
