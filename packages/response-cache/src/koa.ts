import { toKoa } from '@holdfast/http/koa'
import type { Context, Middleware } from 'koa'
import { type CacheForOptions, sayCacheFor, sayNoCache } from './directives.ts'
import { createHandler } from './handler.ts'
import { requestInputs } from './inputs.ts'
import type { ResponseCacheMiddlewareOptions } from './middleware-options.ts'

export type { CacheForOptions } from './directives.ts'
export type KoaResponseCacheOptions = ResponseCacheMiddlewareOptions<Context>

/**
 * Stores responses, and answers from what is stored.
 *
 * @throws {TypeError | RangeError} when an option is missing, unknown or out of range
 */
export function responseCache(options: KoaResponseCacheOptions): Middleware {
  return toKoa(
    createHandler<Context, Context>(options, {
      target: (ctx) => ctx,
      response: ({ res }) => res,
      inputs: (ctx) => [
        ...requestInputs(ctx.req),
        { holder: ctx, name: 'session', kind: 'session-read' },
        { holder: ctx, name: 'csrf', kind: 'session-read' },
        { holder: ctx.state, name: '_csrf', kind: 'session-read' },
        ...[ctx, ctx.request, ctx.state].map((holder) => ({ holder, name: 'user', kind: 'user-read' as const })),
      ],
    }),
  )
}

/**
 * Has a response stored: in a handler, before it answers. Its own `no-store` or `private` wins.
 *
 * @throws {TypeError | RangeError} when an option is unknown or out of range
 */
export function cacheFor(context: Context, options: CacheForOptions): void {
  sayCacheFor(context.res, options)
}

/** Keeps a response from being stored. */
export function noCache(context: Context): void {
  sayNoCache(context.res)
}
