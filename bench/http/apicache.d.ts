declare module 'apicache' {
  import type { RequestHandler } from 'express'
  import type { Redis } from 'ioredis'

  interface ApiCache {
    options(options: { redisClient: Redis }): ApiCache
    middleware(duration: string): RequestHandler
  }
  const apicache: ApiCache
  export = apicache
}
