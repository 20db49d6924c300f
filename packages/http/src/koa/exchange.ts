import type { IncomingHttpHeaders } from 'node:http'
import type { Socket } from 'node:net'
import { Readable } from 'node:stream'
import type { Context } from 'koa'
import type { Captured, HoldOptions, TeeOptions } from '../captured.ts'
import type { Exchange, HttpResponse } from '../exchange.ts'
import { onClosed, whenClosed } from '../node/closed.ts'
import { onEnded } from '../node/ended.ts'
import { restore, type Snapshot, setRawHeaders, snapshotOf } from '../node/header-list.ts'
import { bufferOf, fieldsOf, isGarbledByEnd, LENGTH_FIELDS, respond } from '../node/respond.ts'
import { hasContent, hostOf, isHttp2 } from '../node/version.ts'
import { again } from './again.ts'
import { leaveBody, leaveJson, replaceBody } from './body.ts'
import { KoaCapture } from './capture.ts'
import { keepOnError } from './errors.ts'

export class KoaExchange implements Exchange<Context> {
  readonly native: Context
  readonly #socket: Socket
  readonly #goOn: (handlers: Promise<void> | undefined) => void
  #kept: Record<string, string> | undefined
  #answered = false
  #capture: KoaCapture | undefined
  #before: Snapshot | undefined

  /** @param goOn Lets the middlewares before this one, and then Koa, do their part, while the handler goes on; not before `handlers` */
  constructor(native: Context, goOn: (handlers: Promise<void> | undefined) => void) {
    this.native = native
    this.#socket = native.req.socket
    this.#goOn = goOn
  }

  get method(): string {
    return this.native.req.method ?? 'GET'
  }

  get url(): string {
    return this.native.originalUrl
  }

  get headers(): IncomingHttpHeaders {
    return this.native.req.headers
  }

  get host(): string {
    return hostOf(this.native.req)
  }

  get hasContent(): boolean {
    return hasContent(this.native.req)
  }

  get ip(): string | undefined {
    return this.native.ip || undefined
  }

  get aborted(): boolean {
    return this.#socket.destroyed
  }

  get status(): number | undefined {
    return this.native.res.headersSent ? this.native.res.statusCode : undefined
  }

  /** Whether there is a response: by `respond`, or by later handlers. */
  get answered(): boolean {
    return this.#answered || this.#capture?.hasResponse === true
  }

  onClose(listener: () => void): void {
    onClosed(this.#socket, this.native.res, listener)
  }

  setHeader(name: string, value: string): void {
    if (this.#capture?.isHolding) return this.#capture.head.setHeader(name, value)
    const { res } = this.native
    if (!res.headersSent) res.setHeader(name, value)
    this.#kept ??= keepOnError(this.native)
    this.#kept[name] = value
  }

  respond(response: HttpResponse): void {
    const ctx = this.native
    const isWritten = this.#drop()
    if (ctx.res.headersSent && !this.aborted) {
      throw new Error(`The response cannot be a ${response.status}: the headers of another are sent already`)
    }
    this.#answered = true
    if (isWritten) respond(ctx.req, ctx.res, response)
    else answer(ctx, response)
    this.#capture?.goOn()
  }

  async outlast(next: () => Promise<void>): Promise<void> {
    const ended = new Promise<void>((resolve) => onEnded(this.#socket, this.native.res, resolve))
    await next()
    if (this.native.respond === false) await ended // the handlers write to Node's own response
  }

  hold(next: () => Promise<void>, options: HoldOptions): Promise<Captured> {
    return this.#captured(next, options)
  }

  tee(next: () => Promise<void>, options: TeeOptions): Promise<Captured> {
    return this.#captured(next, options)
  }

  async again(next: () => Promise<void>, options: TeeOptions): Promise<Captured> {
    await whenClosed(this.#socket, this.native.res)
    return again(this.native, next, options)
  }

  release(): void {
    this.#capture?.release()
  }

  #captured(next: () => Promise<void>, options: HoldOptions & Partial<TeeOptions>): Promise<Captured> {
    this.#before = snapshotOf(this.native.res)
    this.#capture = new KoaCapture(this.native, options, this.#goOn)
    return this.#capture.run(next)
  }

  /** Forgets a response that is held. Returns whether it was written to Node's own, behind Koa's back. */
  #drop(): boolean {
    const capture = this.#capture
    if (!capture?.isHolding) return false
    const { isWritten } = capture
    capture.stop()
    if (this.#before !== undefined) restore(this.native.res, this.#before)
    return isWritten
  }
}

/** By Koa's response and Node's: what the context passes on to them takes as long again. */
function answer(ctx: Context, answered: HttpResponse): void {
  const { response, res } = ctx
  const { status, reason, body = '', form } = answered
  response.status = status
  if (reason !== undefined && !isHttp2(res)) response.message = reason
  setRawHeaders(res, fieldsOf(answered, LENGTH_FIELDS))
  if (form === 'none') {
    res.removeHeader('Content-Type') // that of a status in words is Koa's to set
    return leaveBody(ctx, undefined)
  }
  const typed = res.hasHeader('content-type')
  const bytes = typeof body === 'string' ? body : bufferOf(body)
  response.body = form === 'text' || form === 'json' ? String(bytes) : bytes
  if (!typed) res.removeHeader('Content-Type') // Koa guesses one
  if (isGarbledByEnd(res) && body.length > 0) replaceBody(ctx, Readable.from([response.body], { objectMode: false }))
  else if (form === 'json') leaveJson(ctx, String(response.body))
}
