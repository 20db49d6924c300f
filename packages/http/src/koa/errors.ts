import type { Context } from 'koa'

/**
 * Headers that also go out with an error: Koa answers one with no other headers than the error's own.
 *
 * They are lent to the error while Koa answers it, and taken back: the same error may be thrown for another client.
 */
export function keepOnError(ctx: Context): Record<string, string> {
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
