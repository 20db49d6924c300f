import { type IncomingMessage, ServerResponse } from 'node:http'
import type { HttpResponse } from '../exchange.ts'
import { setRawHeaders } from './header-list.ts'

/** @throws {Error} when the headers of a response are sent already */
export function respond(req: IncomingMessage, res: ServerResponse, response: HttpResponse): void {
  const { status, headers = {}, rawHeaders = [], body = '' } = response
  if (res.headersSent) throw new Error(`The response cannot be a ${status}: the headers of another are sent already`)
  res.statusCode = status
  setRawHeaders(res, rawHeaders)
  for (const name of Object.keys(headers)) res.setHeader(name, headers[name] ?? '')
  if (status === 204 || status === 304) {
    for (const name of BODY_HEADERS) res.removeHeader(name)
    res.end()
    return
  }
  const content = status === 205 ? '' : body
  if (res.hasHeader('transfer-encoding')) res.removeHeader('transfer-encoding')
  res.setHeader('Content-Length', Buffer.byteLength(content))
  if (isGarbledByEnd(res)) res.writeHead(status)
  if (req.method === 'HEAD') res.end()
  else end(res, content)
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

const BODY_HEADERS = ['Content-Type', 'Content-Length', 'Transfer-Encoding']
