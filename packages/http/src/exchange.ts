import type { IncomingHttpHeaders } from 'node:http'

/** One request and the response to it, the same on every framework. */
export interface Exchange<Native> {
  readonly method: string

  /** The request's target as the client sent it, wherever in an app the handler is mounted. */
  readonly url: string

  readonly headers: IncomingHttpHeaders

  /** The client's address by the framework's own proxy rules; undefined when there is none. */
  readonly ip: string | undefined

  /** What the framework hands to its own handlers: Express' `Request`, Koa's `Context`, Node's `IncomingMessage`. */
  readonly native: Native

  /** Whether the client's connection is gone. */
  readonly aborted: boolean

  /** Sets a header on whatever response goes out, an error's too. Without effect once the headers are sent. */
  setHeader(name: string, value: string): void

  /**
   * Answers the request: later handlers are not called. Without effect when the client is gone.
   *
   * Instead of `next()`, never after it.
   *
   * @throws {Error} when the headers of a response are sent already
   */
  respond(response: HttpResponse): void
}

/**
 * A feature, written once: it answers, or it passes the request on.
 *
 * `next()` resolves once the handlers after this one have produced a response, or the client is gone. On Koa it rejects with what
 * they throw; elsewhere the framework answers their errors. It may be called once.
 */
export type Handler<Native> = (exchange: Exchange<Native>, next: () => Promise<void>) => Promise<void>

/** A whole response. `Content-Length` is added; a 204, 205 or 304 has no body, and a HEAD request gets none. */
export interface HttpResponse {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
}
