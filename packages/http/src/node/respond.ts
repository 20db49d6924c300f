import type { IncomingMessage, ServerResponse } from 'node:http'
import type { HttpResponse } from '../exchange.ts'

/** @throws {Error} when the headers of a response are sent already */
export function respond(req: IncomingMessage, res: ServerResponse, { status, headers = {}, body = '' }: HttpResponse): void {
  if (res.headersSent) throw new Error(`The response cannot be a ${status}: the headers of another are sent already`)
  res.statusCode = status
  for (const [name, value] of Object.entries(headers)) res.setHeader(name, value)
  if (isBodiless(status)) {
    for (const name of BODY_HEADERS) res.removeHeader(name)
    res.end()
    return
  }
  res.setHeader('Content-Length', Buffer.byteLength(body))
  if (req.method === 'HEAD') res.end()
  else res.end(body)
}

function isBodiless(status: number): boolean {
  return status === 204 || status === 205 || status === 304
}

const BODY_HEADERS = ['Content-Type', 'Content-Length', 'Transfer-Encoding']
