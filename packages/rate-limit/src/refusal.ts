import { shown } from '@holdfast/adapter/options'
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

/** Makes problems (RFC 9457) of refusals. A client that is over a limit gets `limitedStatus`. */
export function problemsFor(limitedStatus: number): (decision: Decision) => HttpResponse {
  const exceeded = new Map<string, string>() // by the names of the policies, which are printable

  function bodyOf({ source, blocked, violated }: Decision): string {
    if (source === 'closed') return UNAVAILABLE
    if (blocked) return limited('abnormal-usage-detected', 'Blocked', violated)
    const names = violated.join('\n')
    const known = exceeded.get(names)
    if (known !== undefined) return known
    const body = limited('quota-exceeded', 'Too many requests', violated)
    exceeded.set(names, body)
    return body
  }

  function limited(type: string, title: string, violated: Decision['violated']): string {
    return JSON.stringify({ type: `${TYPES}#${type}`, title, status: limitedStatus, 'violated-policies': violated })
  }

  return (decision) => {
    const headers = { ...refusalHeaders(decision), 'Content-Type': 'application/problem+json' }
    return { status: decision.source === 'closed' ? 503 : limitedStatus, headers, body: bodyOf(decision) }
  }
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

/** @throws {TypeError} when the body of an app's own response is neither text nor bytes: JSON is for the app to make */
export function withBody(response: HttpResponse): HttpResponse {
  const { body } = response
  if (body === undefined || typeof body === 'string' || body instanceof Uint8Array) return response
  throw new TypeError(`The body that onLimited returns must be a text or bytes, got ${shown(body)}`)
}

const TEXT = 'text/plain; charset=utf-8'
const TYPES = 'https://iana.org/assignments/http-problem-types'
const UNAVAILABLE = JSON.stringify({
  type: `${TYPES}#temporary-reduced-capacity`,
  title: 'Service temporarily unavailable',
  status: 503,
})
