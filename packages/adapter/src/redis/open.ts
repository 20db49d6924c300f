import { shown } from '../checks.ts'
import type { ClientHooks, RedisClient } from './client.ts'
import { connectIoredis, type IoredisClient, ioredisClient, isIoredis } from './ioredis.ts'
import { isNodeRedis, isNodeRedisSentinel, type NodeRedisClient, nodeRedisClient } from './node-redis.ts'

/**
 * The client of an adapter: the one it was given, or one of its own, which is loaded and connected meanwhile.
 *
 * @throws {TypeError} when it is neither a client that is supported nor the URL of a Redis
 */
export function openClient(
  client: IoredisClient | NodeRedisClient | undefined,
  url: string | undefined,
  hooks: Omit<ClientHooks, 'isOwn'>,
): RedisClient | Promise<RedisClient> {
  if ((client === undefined) === (url === undefined)) {
    throw new TypeError('redisAdapter takes either a client or a url')
  }
  if (url !== undefined) return connectIoredis(checkedUrl(url), hooks)
  if (isIoredis(client)) return ioredisClient(client, { ...hooks, isOwn: false })
  if (isNodeRedisSentinel(client)) {
    throw new TypeError(
      "client is a sentinel of node-redis, which sends steps again that may have run: give redisAdapter an ioredis client with 'sentinels'",
    )
  }
  if (isNodeRedis(client)) return nodeRedisClient(client, { ...hooks, isOwn: false })
  throw new TypeError('client must be a Redis or Cluster of ioredis 5 or 6, or a client or cluster of node-redis 5 or 6')
}

/** Whether it is a client itself, where options are asked for. */
export function isClient(options: unknown): boolean {
  return isIoredis(options) || isNodeRedis(options)
}

/** @throws {TypeError} when it is not the URL of a Redis, and says what is wrong with it */
function checkedUrl(url: unknown): string {
  if (typeof url !== 'string') throw new TypeError(`url must be a string, got ${shown(url)}`)
  const given = withoutSecrets(url)
  if (!/^rediss?:\/\//.test(url)) throw new TypeError(`url must begin with redis:// or rediss://, got ${given}`)
  if (!URL.canParse(url)) {
    throw new TypeError(`url cannot be read: in a password write %2F for /, %3F for ? and %23 for #; got ${given}`)
  }
  const { pathname, searchParams } = new URL(url)
  if (!/^\/?\d*\/?$/.test(pathname) || !/^\d*$/.test(searchParams.get('db') ?? '')) {
    throw new TypeError(`url must name a database by its number, as redis://localhost:6379/2 does, or none; got ${given}`)
  }
  return url
}

/** Messages end up in logs: no password goes with them. */
function withoutSecrets(url: string): string {
  return JSON.stringify(url.replace(/\/\/.*@/, '//…@'))
}
