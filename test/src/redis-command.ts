// At once: what global-setup imports later, Jest's main process looks for in the wrong folder.
import { Redis } from 'ioredis'

type Argument = string | number | Buffer
export type Command = readonly [name: string, ...args: Argument[]]

const COMMAND_MS = 5_000

/** Sends one command over a connection of its own: servers come and go, and nothing stays open. */
export function redisCommand(port: number, [name, ...args]: Command): Promise<unknown> {
  return withRedis(port, (redis) => redis.call(name, args))
}

export async function withRedis<T>(port: number, work: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis({
    host: '127.0.0.1',
    port,
    lazyConnect: true,
    enableReadyCheck: false,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
    commandTimeout: COMMAND_MS,
  })
  // The call that fails says so itself.
  redis.on('error', () => {})
  try {
    await redis.connect()
    return await work(redis)
  } finally {
    redis.disconnect()
  }
}
