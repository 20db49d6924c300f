import type { IncomingHttpHeaders } from 'node:http'
import type { Context, Middleware } from 'koa'
import type { Exchange, Handler, HttpResponse } from './exchange.ts'
import { asError, reportLateFailure } from './failure.ts'

/** Binds a handler to Koa 2 or 3. The client's address follows the app's `proxy` settings. */
export function toKoa(handler: Handler<Context>): Middleware {
  return async (ctx, next) => {
    const exchange = new KoaExchange(ctx)
    try {
      await handler(exchange, next)
    } catch (error) {
      const failure: unknown = asError(error)
      if (!exchange.answered) throw failure
      reportLateFailure(failure)
    }
  }
}

class KoaExchange implements Exchange<Context> {
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

/**
 * Headers that also go out with an error: Koa answers one with no other headers than the error's own.
 *
 * They are lent to the error while Koa answers it, and taken back: the same error may be thrown for another client.
 */
function keepOnError(ctx: Context): Record<string, string> {
  const kept: Record<string, string> = {}
  const answer = ctx.onerror.bind(ctx)
  ctx.onerror = (error: Error & { headers?: unknown }) => {
    if (typeof error !== 'object' || error === null) return answer(error) // Koa calls it without an error, too
    const own = Object.getOwnPropertyDescriptor(error, 'headers')
    const merged = { ...kept, ...asHeaders(error.headers) }
    if (!Reflect.defineProperty(error, 'headers', { value: merged, configurable: true, writable: true })) return answer(error)
    try {
      answer(error)
    } finally {
      if (own === undefined) Reflect.deleteProperty(error, 'headers')
      else Reflect.defineProperty(error, 'headers', own)
    }
  }
  return kept
}

function asHeaders(headers: unknown): object {
  return typeof headers === 'object' && headers !== null ? headers : {}
}
