// koa-redis brings no types.
declare module 'koa-redis' {
  interface RedisStore {
    get(sid: string): Promise<Record<string, unknown> | null>
    set(sid: string, session: unknown, ttl?: number): Promise<void>
    destroy(sid: string): Promise<void>
    readonly client: { disconnect(): void }
  }
  function koaRedis(options: { url: string; keyPrefix: string }): RedisStore
  export = koaRedis
}
