import { redisAdapter } from '@holdfast/adapter/redis'
import { createRateLimiter } from '@holdfast/rate-limit'
import type { Options } from 'express-rate-limit'
import { Redis } from 'ioredis'
import { type RedisReply, RedisStore, type SendCommandFn } from 'rate-limit-redis'
import { RateLimiterRedis } from 'rate-limiter-flexible'
import { median, type Subject, thousands, throughput } from './measure.ts'

const WINDOW_MS = 1_000
const LIMIT = 1_000_000
const ROUNDS = 7
const TOTAL = 8_000

/** What a decision of a rate limit costs Redis, and how many there are in a second, side by side with peers, of one client. */
export async function benchDecisions(url: string): Promise<void> {
  const client = new Redis(url)
  const adapter = redisAdapter({ client, prefix: 'bench:', timeoutMs: 5_000 })
  const own = (['sliding-window-log', 'sliding-window-counter', 'fixed-window', 'token-bucket'] as const).map((algorithm) => {
    const limiter = createRateLimiter({ adapter, name: algorithm, limit: LIMIT, windowMs: WINDOW_MS, algorithm })
    return { name: algorithm, run: () => limiter.consume('client') }
  })
  const store = await peerStore(client)
  const flexible = new RateLimiterRedis({ storeClient: client, points: LIMIT, duration: WINDOW_MS / 1_000, keyPrefix: 'bench' })
  const subjects = [
    ...own,
    { name: 'express-rate-limit, rate-limit-redis', run: async () => store.increment('client') },
    { name: 'rate-limiter-flexible', run: () => flexible.consume('client') },
  ]
  for (const inFlight of [1, 32]) {
    console.log(`\ndecisions on Redis, ${inFlight} in flight: a second, and Redis' CPU for one`)
    for (const [name, { perSecond, micros }] of await measured(subjects, client, inFlight)) {
      console.log(`  ${name.padEnd(40)} ${thousands(perSecond)} ${micros.toFixed(1).padStart(6)} us`)
    }
  }
  await adapter.close()
  client.disconnect()
}

async function peerStore(client: Redis): Promise<RedisStore> {
  const sendCommand: SendCommandFn = async (command, ...args) => (await client.call(command, ...args)) as RedisReply // as its README has it
  const store = new RedisStore({ sendCommand, prefix: 'bench:' })
  await store.init({ windowMs: WINDOW_MS } as Options) // it reads nothing else
  return store
}

interface Measured {
  readonly perSecond: number
  readonly micros: number
}

async function measured(subjects: readonly Subject[], client: Redis, inFlight: number): Promise<Map<string, Measured>> {
  const rounds = new Map(subjects.map(({ name }) => [name, [] as Measured[]]))
  for (let round = 0; round <= ROUNDS; round += 1) {
    for (const subject of subjects) {
      const before = await cpuMicros(client)
      const perSecond = await throughput(subject, TOTAL, inFlight)
      const micros = ((await cpuMicros(client)) - before) / TOTAL
      if (round > 0) rounds.get(subject.name)?.push({ perSecond, micros }) // the first warms up
    }
  }
  return new Map(
    [...rounds].map(([name, each]) => [
      name,
      { perSecond: median(each.map(({ perSecond }) => perSecond)), micros: median(each.map(({ micros }) => micros)) },
    ]),
  )
}

async function cpuMicros(client: Redis): Promise<number> {
  const info = await client.info('cpu')
  return [...info.matchAll(/^used_cpu_(?:user|sys):([\d.]+)/gm)].reduce((sum, [, seconds]) => sum + Number(seconds) * 1e6, 0)
}
