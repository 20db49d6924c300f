import type { Context } from 'koa'

/** What goes out with an error of this request. */
const KEPT: unique symbol = Symbol.for('holdfast.http.kept')

interface Keeping {
  [KEPT]?: Record<string, string>
}

/**
 * Headers that also go out with an error: Koa answers one with no other headers than the error's own.
 *
 * They are lent to the error while Koa answers it, and taken back: the same error may be thrown for another client. Koa asks the
 * context, whose prototype is the app's; a function of each context's own would make every request a quarter slower.
 */
export function keepOnError(ctx: Context & Keeping): Record<string, string> {
  const { context } = ctx.app
  if (!keepers.has(context)) teach(context)
  ctx[KEPT] ??= {}
  return ctx[KEPT]
}

const keepers = new WeakSet<object>()

function teach(context: Context['app']['context']): void {
  keepers.add(context)
  const { onerror } = context
  context.onerror = function answer(this: Context & Keeping, error: Error & { headers?: unknown }) {
    const kept = this[KEPT]
    if (kept === undefined || typeof error !== 'object' || error === null) return onerror.call(this, error) // Koa calls it without an error, too
    const own = Object.getOwnPropertyDescriptor(error, 'headers')
    const merged = { ...kept, ...asHeaders(error.headers) }
    if (!Reflect.defineProperty(error, 'headers', { value: merged, configurable: true, writable: true })) {
      return onerror.call(this, error)
    }
    try {
      onerror.call(this, error)
    } finally {
      if (own === undefined) Reflect.deleteProperty(error, 'headers')
      else Reflect.defineProperty(error, 'headers', own)
    }
  }
}

function asHeaders(headers: unknown): object {
  return typeof headers === 'object' && headers !== null ? headers : {}
}
