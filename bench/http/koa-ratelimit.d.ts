declare module 'koa-ratelimit' {
  import type { Redis } from 'ioredis'
  import type { Context, Middleware } from 'koa'

  /** What is used of it here: its own types are for another major of ioredis. */
  interface KoaRateLimitOptions {
    readonly driver: 'memory' | 'redis'
    readonly db: Map<unknown, unknown> | Redis
    readonly duration: number
    readonly max: number
    readonly id: (ctx: Context) => string
  }

  const koaRateLimit: (options: KoaRateLimitOptions) => Middleware
  export = koaRateLimit
}
