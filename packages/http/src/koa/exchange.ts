import type { IncomingHttpHeaders } from 'node:http'
import type { Context } from 'koa'
import type { Exchange, HttpResponse } from '../exchange.ts'
import { keepOnError } from './keep-on-error.ts'

export class KoaExchange implements Exchange<Context> {
  readonly native: Context
  #kept: Record<string, string> | undefined
  #answered = false

  constructor(native: Context) {
    this.native = native
  }

  get method(): string {
    return this.native.method
  }

  get url(): string {
    return this.native.originalUrl
  }

  get headers(): IncomingHttpHeaders {
    return this.native.headers
  }

  get ip(): string | undefined {
    return this.native.ip || undefined
  }

  get aborted(): boolean {
    return this.native.req.socket.destroyed
  }

  /** Whether `respond` was called. */
  get answered(): boolean {
    return this.#answered
  }

  setHeader(name: string, value: string): void {
    this.native.set(name, value)
    this.#kept ??= keepOnError(this.native)
    this.#kept[name] = value
  }

  respond({ status, headers = {}, body = '' }: HttpResponse): void {
    const ctx = this.native
    if (ctx.headerSent && !this.aborted) {
      throw new Error(`The response cannot be a ${status}: the headers of another are sent already`)
    }
    this.#answered = true
    ctx.status = status
    ctx.set(headers)
    const typed = ctx.res.hasHeader('Content-Type')
    ctx.body = typeof body === 'string' ? body : Buffer.from(body.buffer, body.byteOffset, body.byteLength)
    if (!typed) ctx.remove('Content-Type') // Koa guesses one
  }
}
