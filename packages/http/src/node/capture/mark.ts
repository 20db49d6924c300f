import type { ServerResponse } from 'node:http'
import { isHttp2 } from '../version.ts'

/** A field of Node's, by which `headersSent` and `setHeader` go. HTTP/2's go by the stream. */
interface Headed {
  _header: string | null
}

const MARK = 'HTTP/1.1 held\r\n\r\n'

/** What a response of HTTP/2 has of its own while its head looks sent. */
const SENT: PropertyDescriptorMap = {
  headersSent: { value: true, configurable: true },
  setHeader: { value: refuse, configurable: true, writable: true },
  appendHeader: { value: refuse, configurable: true, writable: true },
  removeHeader: { value: refuse, configurable: true, writable: true },
}

/** What it had of its own before: other middlewares may have wrapped its methods. */
const unmarked = new WeakMap<ServerResponse, PropertyDescriptorMap>()

function refuse(): never {
  throw Object.assign(new Error('Headers cannot be set after they are sent'), { code: 'ERR_HTTP2_HEADERS_SENT' })
}

/** From here on `headersSent` is true, and `setHeader` and its like throw. */
export function mark(res: ServerResponse): void {
  if (!isHttp2(res)) headedOf(res)['_header'] = MARK
  else if (!unmarked.has(res)) {
    const own: PropertyDescriptorMap = {}
    for (const name of Object.keys(SENT)) {
      const descriptor = Object.getOwnPropertyDescriptor(res, name)
      if (descriptor !== undefined) own[name] = descriptor
    }
    unmarked.set(res, own)
    Object.defineProperties(res, SENT)
  }
}

export function isMarked(res: ServerResponse): boolean {
  return isHttp2(res) ? unmarked.has(res) : headedOf(res)['_header'] === MARK
}

export function unmark(res: ServerResponse): void {
  if (!isHttp2(res)) {
    headedOf(res)['_header'] = null
    return
  }
  for (const name of Object.keys(SENT)) Reflect.deleteProperty(res, name)
  Object.defineProperties(res, unmarked.get(res) ?? {})
  unmarked.delete(res)
}

/** Runs what Node allows only before the head is sent, on a head that merely looks sent. */
export function withoutMark(res: ServerResponse, change: () => void): void {
  if (!isMarked(res)) return change()
  unmark(res)
  try {
    change()
  } finally {
    mark(res)
  }
}

function headedOf(res: ServerResponse): Headed {
  return res as unknown as Headed
}
