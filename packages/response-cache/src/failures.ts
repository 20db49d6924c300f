import { STATUS_CODES } from 'node:http'

/** Whether a stale response may be served in the place of one of this status: RFC 5861, section 4. */
export function isFailure(status: number): boolean {
  return FAILURES.has(status)
}

/** Whether an error that is thrown is answered by such a status, as Koa and Express have it: `ctx.throw(404)` is an answer. */
export function throwsFailure(error: unknown): boolean {
  const { status, statusCode }: { readonly status?: unknown; readonly statusCode?: unknown } = Object(error) as object // whatever it is
  const said = typeof status === 'number' ? status : statusCode
  return typeof said !== 'number' || !(said in STATUS_CODES) || FAILURES.has(said)
}

const FAILURES = new Set([500, 502, 503, 504])
