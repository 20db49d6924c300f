import { Readable, Stream } from 'node:stream'
import type { Context } from 'koa'
import type { BodyForm } from '../captured.ts'
import { hasBody } from '../node/capture/head.ts'

/** What Koa would send for `ctx.body`. A stream is taken only when it is asked for: one that is not stays Koa's. */
export type Body = { readonly bytes: Buffer; readonly form: BodyForm } | { readonly stream: () => Readable }

/** A body that is an object is turned into its JSON here: it may be another by the time that Koa would. */
export function bodyOf(ctx: Context): Body {
  const body: unknown = ctx.body
  if (!hasBody(ctx.method, ctx.status) || ctx.status === 205) return bytes('')
  if (body === null || body === undefined) return isExplicitlyEmpty(ctx) ? bytes('') : message(ctx)
  if (typeof body === 'string') return bytes(body, 'text')
  if (Buffer.isBuffer(body)) return bytes(body)
  const stream = streamOf(body)
  if (stream !== undefined) return { stream }
  const json = JSON.stringify(body)
  ctx.body = json
  return bytes(json, 'json')
}

function bytes(body: string | Buffer, form: BodyForm = 'bytes'): Body {
  return { bytes: Buffer.from(body), form }
}

/** Without a body, Koa sends the status in words; as a number over HTTP/2. */
function message(ctx: Context): Body {
  return bytes(ctx.req.httpVersionMajor >= 2 ? String(ctx.status) : ctx.message || String(ctx.status), 'none')
}

function isExplicitlyEmpty({ response }: Context): boolean {
  return Reflect.get(response, '_explicitNullBody') === true
}

function streamOf(body: unknown): (() => Readable) | undefined {
  if (body instanceof Readable) return () => body
  if (isLegacyStream(body)) return () => new Readable().wrap(body)
  if (body instanceof Blob) return () => Readable.from(body.stream())
  if (body instanceof ReadableStream) return () => Readable.from(body)
  if (body instanceof Response) return () => Readable.from(body.body ?? [])
  return undefined
}

function isLegacyStream(body: unknown): body is NodeJS.ReadableStream {
  return body instanceof Stream
}

/** Puts a stream in the place of the body, of the same length. */
export function replaceBody(ctx: Context, stream: Readable): void {
  const length = ctx.res.getHeader('Content-Length')
  ctx.body = stream
  if (length !== undefined) ctx.set('Content-Length', String(length))
}

/** Leaves an object as it was when it was made JSON: its text, where the object would give another, as numbers of JSON.rawJSON do. */
export function leaveJson(ctx: Context, json: string): void {
  const body: unknown = JSON.parse(json)
  if (JSON.stringify(body) === json) leaveBody(ctx, body)
}

/** Gives the middlewares in front what handlers would have left: Koa's own setter would make a type, a length and a status of it. */
export function leaveBody({ response }: Context, body: unknown): void {
  Reflect.deleteProperty(response, '_explicitNullBody')
  Reflect.set(response, '_body', body)
}
