import type { HttpResponse } from '@holdfast/http'

/** 409, a problem (RFC 9457): another request has the key. */
export function busy(retryAfterMs: number): HttpResponse {
  return refusal(409, 'Conflict', 'Another request is at work on the same resource', retryAfterMs)
}

/** 503, a problem: nobody knows who has it. */
export function unavailable(retryAfterMs: number): HttpResponse {
  return refusal(503, 'Service Unavailable', 'Requests cannot be put in line at the moment', retryAfterMs)
}

function refusal(status: number, title: string, detail: string, retryAfterMs: number): HttpResponse {
  return {
    status,
    headers: {
      'Content-Type': 'application/problem+json',
      'Cache-Control': 'no-store',
      'Retry-After': String(Math.max(1, Math.ceil(retryAfterMs / 1_000))),
    },
    body: JSON.stringify({ title, status, detail }),
  }
}
