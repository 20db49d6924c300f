import { type IncomingMessage, ServerResponse } from 'node:http'

/** What Node's request of HTTP/2 has besides. */
interface Http2Parts {
  readonly stream?: { readonly endAfterHeaders: boolean }
}

/** Whether a response is none of node:http, whose fields of its own it then has not. */
export function isHttp2(res: ServerResponse): boolean {
  return !(res instanceof ServerResponse)
}

/**
 * The host that a request is for, with its port; both where it says two: handlers may go by either.
 *
 * HTTP/2 has it as `:authority`, and `Host` at most besides: RFC 9113, section 8.3.1.
 */
export function hostOf({ headers }: IncomingMessage): string {
  const { host } = headers
  const authority = headers[':authority']
  if (typeof authority !== 'string') return host ?? ''
  return host === undefined || host.toLowerCase() === authority.toLowerCase() ? authority : `${authority} ${host}`
}

/** Whether a request has a body. That of HTTP/2 need not say its length, and has no `Transfer-Encoding`. */
export function hasContent(req: IncomingMessage & Http2Parts): boolean {
  const { 'content-length': length = '0', 'transfer-encoding': coding } = req.headers
  return coding !== undefined || Number(length) !== 0 || req.stream?.endAfterHeaders === false
}

/** The reason phrase of a response. HTTP/2 has none, and Node warns whoever asks. */
export function reasonOf(res: ServerResponse): string {
  return isHttp2(res) ? '' : res.statusMessage
}

export function setReason(res: ServerResponse, reason: string): void {
  if (!isHttp2(res)) res.statusMessage = reason
}
