import { startRedisCluster, startRedisServer } from '@holdfast/test/redis'
import { benchMemory } from './memory.ts'
import { benchCluster, benchRedis } from './redis.ts'

console.log(`Node ${process.version}\n`)
await benchMemory()
const given = process.env['REDIS_URL']
const server = given === undefined ? await startRedisServer() : undefined
const script = await benchRedis(given ?? server?.url ?? '')
await server?.stop()
const cluster = await startRedisCluster()
await benchCluster(cluster.nodes, script)
await cluster.stop()
