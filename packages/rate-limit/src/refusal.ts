import type { HttpResponse } from '@holdfast/http'
import type { Decision } from './decision.ts'

/** The answer to a request that may not proceed: a problem (RFC 9457) that no cache keeps. */
export function refusal({ source, violated, retryAfterMs }: Decision): HttpResponse {
  const problem =
    source === 'closed'
      ? { type: `${TYPES}#temporary-reduced-capacity`, title: 'Service temporarily unavailable', status: 503 }
      : { type: `${TYPES}#quota-exceeded`, title: 'Too many requests', status: 429, 'violated-policies': violated }
  const headers: Record<string, string> = {
    'Cache-Control': 'no-store',
    'Content-Type': 'application/problem+json',
  }
  if (Number.isFinite(retryAfterMs)) headers['Retry-After'] = String(Math.ceil(retryAfterMs / 1_000))
  return { status: problem.status, headers, body: JSON.stringify(problem) }
}

const TYPES = 'https://iana.org/assignments/http-problem-types'
