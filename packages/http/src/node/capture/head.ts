import { type OutgoingHttpHeader, type ServerResponse, STATUS_CODES } from 'node:http'
import type { ResponseHead } from '../../captured.ts'
import { rawHeadersOf, setRawHeaders } from '../header-list.ts'
import { reasonOf, setReason } from '../version.ts'
import { withoutMark } from './mark.ts'

export class Head implements ResponseHead {
  readonly #res: ServerResponse

  constructor(res: ServerResponse) {
    this.#res = res
  }

  get status(): number {
    return this.#res.statusCode
  }

  get reason(): string | undefined {
    const reason = reasonOf(this.#res)
    return reason === STATUS_CODES[this.#res.statusCode] ? undefined : reason || undefined
  }

  get rawHeaders(): string[] {
    return rawHeadersOf(this.#res)
  }

  getHeader(name: string): string | undefined {
    const value = this.#res.getHeader(name)
    return Array.isArray(value) ? value.join(', ') : value === undefined ? undefined : String(value)
  }

  setHeader(name: string, value: string | readonly string[]): void {
    withoutMark(this.#res, () => this.#res.setHeader(name, value))
  }

  removeHeader(name: string): void {
    if (this.#res.hasHeader(name)) withoutMark(this.#res, () => this.#res.removeHeader(name))
  }
}

/**
 * Sets on a response what was given to `writeHead(status, reason?, headers?)`, so that whoever looks finds all of its head there.
 *
 * @throws {Error} as `writeHead` does
 */
export function applyHead(res: ServerResponse, [status, reason, headers]: readonly unknown[]): void {
  const code = Number(status) | 0
  if (code < 100 || code > 999) {
    throw Object.assign(new RangeError(`Invalid status code: ${String(status)}`), { code: 'ERR_HTTP_INVALID_STATUS_CODE' })
  }
  if (typeof reason === 'string') {
    if (FORBIDDEN.test(reason)) {
      throw Object.assign(new TypeError('Invalid character in statusMessage'), { code: 'ERR_INVALID_CHAR' })
    }
    setReason(res, reason)
  }
  res.statusCode = code
  setGiven(res, typeof reason === 'string' ? headers : (headers ?? reason))
}

function setGiven(res: ServerResponse, headers: unknown): void {
  if (Array.isArray(headers)) setRawHeaders(res, Array.isArray(headers[0]) ? headers.flat(1) : headers)
  else if (isRecord(headers)) for (const [name, value] of Object.entries(headers)) if (name) res.setHeader(name, value)
}

function isRecord(headers: unknown): headers is Record<string, OutgoingHttpHeader> {
  return typeof headers === 'object' && headers !== null
}

/** Node adds a `Date` only when it sends the head. */
export function addDate(res: ServerResponse): void {
  if (res.sendDate && !res.hasHeader('Date')) res.setHeader('Date', new Date().toUTCString())
}

/** Whether a response has a body on the wire. See RFC 9110, section 6.4.1. */
export function hasBody(method: string | undefined, status: number): boolean {
  return method !== 'HEAD' && status !== 204 && status !== 304 && status >= 200
}

// What a reason phrase must not hold. See RFC 9112, section 4.
const FORBIDDEN = /[^\t\x20-\x7e\x80-\xff]/
