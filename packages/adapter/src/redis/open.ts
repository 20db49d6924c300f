import type { RedisClient } from './client.ts'
import { connectIoredis, type IoredisClient, ioredisClient, isIoredis } from './ioredis.ts'

/**
 * The client of an adapter: the one it was given, or one of its own, which is loaded and connected meanwhile.
 *
 * @throws {TypeError} when it is neither a client that is supported nor the URL of a Redis
 */
export function openClient(
  client: IoredisClient | undefined,
  url: string | undefined,
  onError: (error: Error) => void,
): RedisClient | Promise<RedisClient> {
  if ((client === undefined) === (url === undefined)) {
    throw new TypeError('redisAdapter takes either a client or a url')
  }
  if (url !== undefined) {
    if (typeof url === 'string' && /^rediss?:\/\//.test(url) && URL.canParse(url)) return connectIoredis(url, onError)
    throw new TypeError(
      `url must begin with redis:// or rediss://, got ${typeof url === 'string' ? withoutSecrets(url) : typeof url}`,
    )
  }
  if (isIoredis(client)) return ioredisClient(client, { isOwn: false, onError })
  throw new TypeError('client must be an ioredis 5 or 6 client')
}

/** Messages end up in logs: no password goes with them. */
function withoutSecrets(url: string): string {
  return JSON.stringify(url.replace(/\/\/[^@/]*@/, '//…@'))
}
