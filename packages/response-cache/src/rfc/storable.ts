import type { Fields } from './fields.ts'
import { TOKEN, tokensIn } from './fields.ts'
import type { Control } from './freshness.ts'

/** The statuses whose caching is understood here: for `must-understand`, RFC 9111, section 5.2.2.3. */
const UNDERSTOOD = new Set([
  200, 203, 204, 206, 300, 301, 302, 303, 307, 308, 400, 401, 403, 404, 405, 406, 410, 414, 421, 451, 500, 501, 502, 503, 504,
])

/** What lets a shared cache store the response to a request with `Authorization`: RFC 9111, section 3.5. */
const SHARED: readonly string[] = ['public', 's-maxage', 'must-revalidate']

/** Why a response may not be stored: `detail` of a `Cache-Status`. */
export type Refusal =
  | 'status'
  | 'no-store'
  | 'private'
  | 'authorization'
  | 'vary-star'
  | 'partial'
  | 'stream'
  | 'set-cookie'
  | 'rate-limited'
  | 'no-freshness'
  | 'no-cache-called'
  | 'request-no-store'
  | 'too-large'
  | 'cut'
  | 'cookie-read'
  | 'authorization-read'
  | 'session-read'
  | 'user-read'

export interface Exchanged {
  readonly status: number
  readonly fields: Fields
  readonly control: Control
  /** Whether the request had an `Authorization` field. */
  readonly authorized: boolean
}

/** What forbids a shared cache to store a response, however fresh it is: RFC 9111, section 3. */
export function refusalOf({ status, fields, control, authorized }: Exchanged): Refusal | undefined {
  const { directives } = control
  if (status < 200 || status === 304 || status === 416) return 'status' // a 416 is about the range that one client asked for
  const understands = directives.has('must-understand')
  if (understands && !UNDERSTOOD.has(status)) return 'status'
  if (directives.has('no-store') && !understands) return 'no-store'
  if (directives.get('private') === '') return 'private'
  if (tokensIn(fields, 'vary').some((name) => name === '*' || !TOKEN.test(name))) return 'vary-star' // no name of a field: it may be any
  if (authorized && !SHARED.some((name) => directives.has(name))) return 'authorization'
  return undefined
}
