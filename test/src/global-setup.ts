import { type RedisServer, startRedisServer } from './redis-server.ts'

let server: RedisServer | undefined

/** Starts the Redis that all tests share, unless REDIS_URL names one. */
export default async function globalSetup(): Promise<void> {
  if (process.env['REDIS_URL'] !== undefined) return
  server = await startRedisServer()
  process.env['REDIS_URL'] = server.url
}

export async function stopRedis(): Promise<void> {
  await server?.stop()
}
