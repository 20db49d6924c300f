import { redisAdapter } from '@holdfast/adapter/redis'
import { createRateLimiter, type RateLimiter } from '@holdfast/rate-limit'
import { Cluster, Redis } from 'ioredis'

/** What a process is asked to do: so many calls at once. */
export interface Job {
  readonly algorithm: string
  readonly key: string
  readonly calls: number
}

/** How many of them were decided and how many allowed, by who decided. */
export interface Outcome {
  readonly decided: Record<string, number>
  readonly allowed: Record<string, number>
}

// One of several processes, whose clock may be wrong.
const { NODES = '[]', PREFIX: prefix = '', SKEW_MS = '0', FAILURE: failure = 'local' } = process.env
const clock = Date.now
Date.now = () => clock() + Number(SKEW_MS)

const nodes = JSON.parse(NODES) as { host: string; port: number }[]
const [first] = nodes
const client = nodes.length > 1 ? new Cluster(nodes) : new Redis({ ...first, maxRetriesPerRequest: 0 })
client.on('error', () => {}) // while the server is away
const adapter = redisAdapter({ client, prefix, timeoutMs: 1_000 })
const limiters = new Map<string, RateLimiter>()

function limiterOf(algorithm: string): RateLimiter {
  const lasts = algorithm === 'concurrency' ? { leaseMs: 60_000 } : { windowMs: 86_400_000 }
  const options = { adapter, name: algorithm, limit: 50, algorithm, failure, ...lasts }
  const limiter = limiters.get(algorithm) ?? createRateLimiter(options as Parameters<typeof createRateLimiter>[0])
  limiters.set(algorithm, limiter)
  return limiter
}

async function outcomeOf({ algorithm, key, calls }: Job): Promise<Outcome> {
  const limiter = limiterOf(algorithm)
  const decisions = await Promise.all(Array.from({ length: calls }, () => limiter.consume(key)))
  const outcome: Outcome = { decided: {}, allowed: {} }
  for (const { source, allowed } of decisions) {
    outcome.decided[source] = (outcome.decided[source] ?? 0) + 1
    if (allowed) outcome.allowed[source] = (outcome.allowed[source] ?? 0) + 1
  }
  return outcome
}

process.on('message', (job: Job) => void outcomeOf(job).then((outcome) => process.send?.(outcome)))
process.on('disconnect', () => process.exit(0))
client.once('ready', () => process.send?.('ready'))
