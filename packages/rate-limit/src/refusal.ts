import type { HttpResponse } from '@holdfast/http'
import type { Decision } from './decision.ts'

/** The answer to a request that may not proceed: a problem (RFC 9457) that no cache keeps. */
export function refusal(decision: Decision): HttpResponse {
  const problem = problemOf(decision)
  const { retryAfterMs } = decision
  const headers: Record<string, string> = {
    'Cache-Control': 'no-store',
    'Content-Type': 'application/problem+json',
  }
  if (Number.isFinite(retryAfterMs)) headers['Retry-After'] = String(Math.ceil(retryAfterMs / 1_000))
  return { status: problem.status, headers, body: JSON.stringify(problem) }
}

function problemOf({ source, blocked, violated }: Decision) {
  if (source === 'closed') {
    return { type: `${TYPES}#temporary-reduced-capacity`, title: 'Service temporarily unavailable', status: 503 }
  }
  const [type, title] = blocked ? ['abnormal-usage-detected', 'Blocked'] : ['quota-exceeded', 'Too many requests']
  return { type: `${TYPES}#${type}`, title, status: 429, 'violated-policies': violated }
}

const TYPES = 'https://iana.org/assignments/http-problem-types'
