export { freePort, type RedisServer, redisServerAt, startRedisServer } from './redis-server.ts'
export { ownPrefix, sharedRedisUrl } from './shared-redis.ts'
