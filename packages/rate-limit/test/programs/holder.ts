import { redisAdapter } from '@holdfast/adapter/redis'
import { createRateLimiter } from '@holdfast/rate-limit'

// Holds all that a concurrency policy gives, until it is killed.
const { REDIS_URL: url = '', PREFIX: prefix = '' } = process.env
const adapter = redisAdapter({ url, prefix })
const limiter = createRateLimiter({ adapter, limit: 2, algorithm: 'concurrency', leaseMs: 900 })
const decision = await limiter.consume('key', { cost: 2 })
process.stdout.write(`${decision.allowed}\n`)
