import type { HttpResponse } from '@holdfast/http'
import type { Decision } from './decision.ts'

/** What a refused client is told, in place of the problem: a text, or an object that is sent as JSON. */
type Told = string | { readonly [member: string]: unknown }

export type Message<Native> = Told | ((native: Native, decision: Decision) => Told | Promise<Told>)

/** The head of every answer to a request that may not proceed: no cache keeps it. */
export function refusalHeaders({ retryAfterMs }: Decision): Record<string, string> {
  const headers: Record<string, string> = { 'Cache-Control': 'no-store' }
  if (Number.isFinite(retryAfterMs)) headers['Retry-After'] = String(Math.ceil(retryAfterMs / 1_000))
  return headers
}

/** A problem (RFC 9457). A client that is over a limit gets `limitedStatus`. */
export function problemOf(decision: Decision, limitedStatus: number): HttpResponse {
  const problem = describe(decision, limitedStatus)
  const headers = { ...refusalHeaders(decision), 'Content-Type': 'application/problem+json' }
  return { status: problem.status, headers, body: JSON.stringify(problem) }
}

export function messageOf(decision: Decision, status: number, message: Told): HttpResponse {
  const [type, body] = typeof message === 'string' ? [TEXT, message] : ['application/json', JSON.stringify(message)]
  return { status, headers: { ...refusalHeaders(decision), 'Content-Type': type }, body }
}

/**
 * Whether an app's own function has given a response, and not what its framework's calls return: Koa's context has a status as well,
 * of its prototype, and the headers of the request.
 */
export function isResponse(answer: unknown): answer is HttpResponse {
  if (typeof answer !== 'object' || answer === null || !Object.hasOwn(answer, 'status')) return false
  return 'status' in answer && typeof answer.status === 'number'
}

function describe({ source, blocked, violated }: Decision, status: number) {
  if (source === 'closed') {
    return { type: `${TYPES}#temporary-reduced-capacity`, title: 'Service temporarily unavailable', status: 503 }
  }
  const [type, title] = blocked ? ['abnormal-usage-detected', 'Blocked'] : ['quota-exceeded', 'Too many requests']
  return { type: `${TYPES}#${type}`, title, status, 'violated-policies': violated }
}

const TEXT = 'text/plain; charset=utf-8'
const TYPES = 'https://iana.org/assignments/http-problem-types'
