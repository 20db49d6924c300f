import type { HttpResponse } from '@holdfast/http'

/** Why a request is refused, as the member `reason` of a problem says it to programs. */
export type Reason =
  | 'missing'
  | 'invalid'
  | 'too-deep'
  | 'payload-too-large'
  | 'multipart'
  | 'in-progress'
  | 'too-large'
  | 'unreplayable'
  | 'mismatch'
  | 'unavailable'

interface Refusal {
  /** What is wrong, in the case at hand. */
  readonly detail?: string
  /** When the client may ask again. */
  readonly retryAfterMs?: number
}

export type Refuse = (reason: Reason, refusal?: Refusal) => HttpResponse

/**
 * Makes the refusals of a middleware: problems (RFC 9457).
 *
 * @param header The field, as its name is written
 * @param docs Where it is documented, for a Link
 */
export function refusals(header: string, docs: string | undefined): Refuse {
  return function refuse(reason, { detail, retryAfterMs } = {}) {
    const [status, title, what] = REASONS[reason]
    const problem = { title: title.replace(KEY, header), status, detail: (detail ?? what).replace(KEY, header), reason }
    return {
      status,
      headers: {
        'Content-Type': 'application/problem+json',
        'Cache-Control': 'no-store',
        ...(retryAfterMs !== undefined && { 'Retry-After': String(Math.max(1, Math.ceil(retryAfterMs / 1_000))) }),
        ...(docs !== undefined && { Link: `<${docs}>; rel="describedby"` }),
      },
      body: JSON.stringify(problem),
    }
  }
}

const KEY = /\{key\}/g

const REASONS: { readonly [R in Reason]: readonly [status: number, title: string, detail: string] } = {
  missing: [400, '{key} is missing', 'This request needs its own {key}, so that it can be sent again without being done twice.'],
  invalid: [400, '{key} is not valid', ''],
  'too-deep': [400, 'The body is nested too deep', 'It cannot be compared with what is sent again with this {key}.'],
  'payload-too-large': [
    413,
    'The body is too large',
    'It is larger than what can be compared with what is sent again with the same {key}.',
  ],
  multipart: [
    415,
    'Multipart is not supported with {key}',
    'What is sent again as multipart cannot be told from something else.',
  ],
  'in-progress': [
    409,
    'The first request is still in progress',
    'A request with this {key} is being worked on. Send it again later.',
  ],
  'too-large': [409, 'The response cannot be given again', 'The request was done. Its response was too large to be kept.'],
  unreplayable: [409, 'The response cannot be given again', 'The request was worked on, and its response was cut short.'],
  mismatch: [422, '{key} was used for another request', 'The query or the body differs. Use a new {key} for a new request.'],
  unavailable: [503, 'Service temporarily unavailable', 'Nothing was done: it cannot be made sure that it is done only once.'],
}
