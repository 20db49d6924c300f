import { startRedisServer } from '@holdfast/test/redis'
import { benchMemory } from './memory.ts'
import { benchRedis } from './redis.ts'

console.log(`Node ${process.version}\n`)
await benchMemory()
const given = process.env['REDIS_URL']
const server = given === undefined ? await startRedisServer() : undefined
await benchRedis(given ?? server?.url ?? '')
await server?.stop()
