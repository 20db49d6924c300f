import { startRedisCluster, startRedisServer } from '@holdfast/test/redis'
import { benchCache } from './cache.ts'
import { benchDecisions } from './decisions.ts'
import { benchRateLimit } from './http/rate-limit.ts'
import { benchResponseCache } from './http/response-cache.ts'
import { benchSessions } from './http/sessions.ts'
import { benchIdempotency } from './idempotency.ts'
import { benchLock } from './lock.ts'
import { benchMemory } from './memory.ts'
import { benchCluster, benchRedis } from './redis.ts'

console.log(`Node ${process.version}\n`)
await benchMemory()
const given = process.env['REDIS_URL']
const server = given === undefined ? await startRedisServer() : undefined
const redisUrl = given ?? server?.url ?? ''
const script = await benchRedis(redisUrl)
const cluster = await startRedisCluster()
await benchCluster(cluster.nodes, script)
await cluster.stop()
await benchCache(redisUrl)
await benchLock(redisUrl)
await benchDecisions(redisUrl)
await benchRateLimit(redisUrl)
await benchIdempotency(redisUrl)
await benchResponseCache(redisUrl)
await benchSessions(redisUrl)
await server?.stop()
