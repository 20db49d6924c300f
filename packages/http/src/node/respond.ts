import { type IncomingMessage, type OutgoingHttpHeader, ServerResponse } from 'node:http'
import type { HttpResponse } from '../exchange.ts'
import { isAmong, setRawHeaders } from './header-list.ts'
import { setReason } from './version.ts'

/** @throws {Error} when the headers of a response are sent already */
export function respond(req: IncomingMessage, res: ServerResponse, response: HttpResponse): void {
  const { status, reason, body = '' } = response
  if (res.headersSent) throw new Error(`The response cannot be a ${status}: the headers of another are sent already`)
  const isBare = status === 204 || status === 304
  const content = isBare || status === 205 ? '' : body
  const fields = fieldsOf(response, isBare ? BODY_FIELDS : LENGTH_FIELDS)
  if (!isBare) fields.push('Content-Length', Buffer.byteLength(content))
  if (isLookedAt(res)) setHead(res, response, fields, isBare)
  else if (reason === undefined) res.writeHead(status, fields)
  else res.writeHead(status, reason, fields)
  if (isBare || req.method === 'HEAD') res.end()
  else end(res, content)
}

/**
 * Whether somebody has set fields, or may ask for them later: a framework, what stands in front, a logger. For nobody, `writeHead` takes
 * all at once, which costs less, and keeps none.
 */
function isLookedAt(res: ServerResponse): boolean {
  const { prototype } = ServerResponse
  if (Reflect.getPrototypeOf(res) !== prototype || res.writeHead !== prototype.writeHead || res.end !== prototype.end) return true
  if (res.getHeaderNames().length > 0) return true
  return res.listenerCount('finish') > 1 || res.listenerCount('close') > 0 // Node itself listens for the first
}

/** Puts fields among those that are set, in the place of others of their names. */
function setHead(
  res: ServerResponse,
  { status, reason }: HttpResponse,
  fields: readonly OutgoingHttpHeader[],
  isBare: boolean,
): void {
  res.statusCode = status
  if (reason !== undefined) setReason(res, reason)
  for (const name of isBare ? BODY_FIELDS : FRAMING) if (res.hasHeader(name)) res.removeHeader(name)
  setRawHeaders(res, fields)
  if (isGarbledByEnd(res)) res.writeHead(status)
}

/** The fields of a response, names and values in turn: each of its own in the place of others of that name, and none of `dropped`. */
export function fieldsOf({ headers = {}, rawHeaders = [] }: HttpResponse, dropped: readonly string[]): OutgoingHttpHeader[] {
  const own = Object.keys(headers)
  const fields: OutgoingHttpHeader[] = []
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? ''
    if (!isAmong(own, name) && !isAmong(dropped, name)) fields.push(name, rawHeaders[at + 1] ?? '')
  }
  for (let at = 0; at < own.length; at += 1) {
    const name = own[at] ?? ''
    if (!isAmong(dropped, name) && !isAmong(own, name, at + 1)) fields.push(name, headers[name] ?? '')
  }
  return fields
}

/** The same bytes, as Koa and Node's own methods want them. */
export function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** The largest body that is sent together with its head. */
const SMALL_BYTES = 1_536

/** Node sends text in one piece with the head, and bytes in one of their own. What stands in front of the response gets the bytes. */
function end(res: ServerResponse, content: string | Uint8Array): void {
  const isSeen = res.end !== ServerResponse.prototype.end
  if (typeof content === 'string' || content.byteLength > SMALL_BYTES || isSeen) res.end(content)
  else res.end(bufferOf(content).toString('latin1'), 'latin1')
}

/** Node breaks what is not ASCII in this one, where it makes the head of a response together with the whole body. */
export function isGarbledByEnd(res: ServerResponse): boolean {
  const field = res.getHeader('content-disposition')
  return field !== undefined && /[^\0-\x7f]/.test(String(field))
}

const FRAMING = ['transfer-encoding']
/** What is said anew of every body. */
export const LENGTH_FIELDS: readonly string[] = ['Content-Length', ...FRAMING]
const BODY_FIELDS = ['content-type', ...LENGTH_FIELDS]
