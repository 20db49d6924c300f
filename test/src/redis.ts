export { type RedisServer, freePort, redisServerAt, startRedisServer } from './redis-server.ts'
export { ownPrefix, sharedRedisUrl } from './shared-redis.ts'
