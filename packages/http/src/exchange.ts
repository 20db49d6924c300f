import type { IncomingHttpHeaders } from 'node:http'
import type { BodyForm, Captured, HoldOptions, TeeOptions } from './captured.ts'

/** One request and the response to it, the same on every framework. */
export interface Exchange<Native> {
  readonly method: string

  /** The request's target as the client sent it, wherever in an app the handler is mounted. */
  readonly url: string

  /** The request's own: later handlers read what is assigned here, Express' and Koa's `fresh` as well, until it is put back. */
  readonly headers: IncomingHttpHeaders

  /** The host that it is for, by `Host` or HTTP/2's `:authority`; both, where they differ; `''` without. */
  readonly host: string

  /** Whether it has a body, as far as its head says. */
  readonly hasContent: boolean

  /** The client's address by the framework's own proxy rules; undefined when there is none. */
  readonly ip: string | undefined

  /** What the framework hands to its own handlers: Express' `Request`, Koa's `Context`, Node's `IncomingMessage`. */
  readonly native: Native

  /** Whether the client's connection is gone. */
  readonly aborted: boolean

  /** The status of the response, once its head is out. */
  readonly status: number | undefined

  /** Calls `listener` once the response is out, or the client is gone; at once when it is already. */
  onClose(listener: () => void): void

  /** Sets a header on whatever response goes out, an error's too, or on the one that is held. Without effect once the headers are sent. */
  setHeader(name: string, value: string): void

  /**
   * Answers the request: later handlers are not called. Without effect when the client is gone.
   *
   * Instead of `next()`, never after it; or in place of a response that is held, which is dropped: its headers too, not those that were
   * set before it.
   *
   * @throws {Error} when the headers of a response are sent already
   */
  respond(response: HttpResponse): void

  /**
   * Calls `next`, and waits for the later handlers, which may go on after the client has left: until they have ended the response or
   * broken it off, on Koa until they have returned.
   *
   * A handler that never ends its response is waited for. What was written may not be out yet.
   *
   * @throws what later handlers throw, on Koa; elsewhere the framework answers their errors
   */
  outlast(next: () => Promise<void>): Promise<void>

  /**
   * Calls `next`, and holds the response: nothing of it reaches the client but 1xx. Then the handler looks at it, and releases it by
   * `release()` or by returning; or answers by `respond`.
   *
   * The client may leave: what later handlers write goes on being kept. They see a response that was written, as far as it was.
   *
   * @returns How the response ended, once it has; of one that went to the client, once it is out. A handler that never ends its
   *   response is waited for.
   * @throws what later handlers throw, on Koa; elsewhere the framework answers their errors, and that answer is what is held
   */
  hold(next: () => Promise<void>, options: HoldOptions): Promise<Captured>

  /**
   * Calls `next`, and keeps a copy of the response, which goes to the client as it is written, or does with it what `onHead` says.
   *
   * @returns How the response ended, once it has; of one that is not kept, once it is out
   * @throws what later handlers throw, on Koa; elsewhere the framework answers their errors, and that answer is what is seen
   */
  tee(next: () => Promise<void>, options: TeeOptions): Promise<Captured>

  /**
   * Calls `next` once the response that `respond` has given is out, or its client gone, and keeps what the later handlers answer: no
   * client gets it, no `finish` is told of it. To make anew what was served stale, say.
   *
   * They run on the request as it is, and on a response in the place of the one that is out: the same object, which starts afresh.
   *
   * @returns How it ended, once it has. A handler that never ends its response is waited for.
   * @throws what later handlers throw, on Koa; elsewhere the framework answers their errors, and that answer is what is seen
   */
  again(next: () => Promise<void>, options: TeeOptions): Promise<Captured>

  /** Sends what is held, as the later handlers would have. Without effect when nothing is. */
  release(): void
}

/**
 * A feature, written once: it answers, or it passes the request on. With nothing to do afterwards it returns `next`, which costs
 * nothing; else it calls `next()`, `exchange.hold` or `exchange.tee`.
 *
 * `next()` resolves once the handlers after this one have produced a response, or the client is gone; on Koa not before they have
 * ended: what must not wait for them goes by `exchange.onClose`. On Koa it rejects with what they throw; elsewhere the framework
 * answers their errors. It may be called once.
 */
export type Handler<Native> = (exchange: Exchange<Native>, next: Next) => Promise<void | Next>

export type Next = () => Promise<void>

/** A whole response. `Content-Length` is added; a 204, 205 or 304 has no body, and a HEAD request gets none. */
export interface HttpResponse {
  readonly status: number
  /** The reason phrase. Defaults to the status' own. */
  readonly reason?: string | undefined
  /** These win over `rawHeaders`. */
  readonly headers?: Readonly<Record<string, string>>
  /** Names and values in turn, as `ResponseHead` has them. */
  readonly rawHeaders?: readonly string[]
  readonly body?: string | Uint8Array
  /** As what Koa's middlewares in front find the body. Defaults to what it is given as. */
  readonly form?: BodyForm
}
