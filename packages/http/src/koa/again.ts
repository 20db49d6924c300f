import { pipeline, Readable } from 'node:stream'
import type { Context } from 'koa'
import type { Captured, TeeOptions } from '../captured.ts'
import { type Unsent, unsent } from '../node/unsent.ts'
import { KoaCapture } from './capture.ts'

/**
 * Runs later handlers on a request whose response is out, on another response in its place.
 *
 * @throws what later handlers throw
 */
export async function again(ctx: Context, next: () => Promise<void>, options: TeeOptions): Promise<Captured> {
  const { req, res } = unsent(ctx.req)
  renew(ctx, { req, res })
  let isSent = false
  const capture = new KoaCapture(ctx, options, () => {
    if (isSent || ctx.respond === false) return
    isSent = true
    send(ctx)
  })
  try {
    return await capture.run(next)
  } finally {
    const { isHolding } = capture
    capture.stop()
    if (isHolding || (!isSent && ctx.respond !== false)) res.end()
  }
}

/** Makes a context as it was before it had a response. */
function renew(ctx: Context, { req, res }: Unsent): void {
  for (const holder of [ctx, ctx.request, ctx.response]) Object.assign(holder, { req, res })
  for (const name of ['_body', '_explicitStatus', '_explicitNullBody']) Reflect.deleteProperty(ctx.response, name)
  Reflect.deleteProperty(ctx, 'respond')
  Reflect.set(ctx, 'cookies', undefined) // made anew, for this response
  res.statusCode = 404
}

/** As Koa does with what handlers have left in the context. */
function send({ res, body }: Context): void {
  if (body instanceof Readable) pipeline(body, res, () => {})
  else if (typeof body === 'string' || Buffer.isBuffer(body)) res.end(body)
  else res.end()
}
