import { STATUS_CODES, validateHeaderName, validateHeaderValue } from 'node:http'
import type { HttpResponse } from '../exchange.ts'

/** The response to an error: its own status and headers where it has a 4xx or 5xx, else a 500. See RFC 9457. */
export function problem(error: unknown): HttpResponse {
  const own = [field(error, 'status'), field(error, 'statusCode')].find(isErrorStatus)
  const status = own ?? 500
  const detail = status < 500 && field(error, 'expose') !== false ? field(error, 'message') : undefined
  return {
    status,
    headers: { ...(own === undefined ? {} : sendable(field(error, 'headers'))), 'Content-Type': 'application/problem+json' },
    body: JSON.stringify({ title: STATUS_CODES[status] ?? 'Error', status, ...(typeof detail === 'string' ? { detail } : {}) }),
  }
}

function field(from: unknown, name: string): unknown {
  return typeof from === 'object' && from !== null ? Reflect.get(from, name) : undefined
}

function isErrorStatus(status: unknown): status is number {
  return typeof status === 'number' && Number.isInteger(status) && status >= 400 && status <= 599
}

/** An error's headers may come from anywhere, another server's response included. */
function sendable(headers: unknown): Record<string, string> {
  if (typeof headers !== 'object' || headers === null) return {}
  const strings = Object.entries(headers).map(([name, value]): [string, string] => [name, String(value)])
  return Object.fromEntries(strings.filter(([name, value]) => !ABOUT_BODY.test(name) && isHeader(name, value)))
}

function isHeader(name: string, value: string): boolean {
  try {
    validateHeaderName(name)
    validateHeaderValue(name, value)
    return true
  } catch {
    return false
  }
}

const ABOUT_BODY = /^(content-.*|transfer-encoding)$/i
