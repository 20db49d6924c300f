import { once } from 'node:events'
import { redisAdapter } from '@holdfast/adapter/redis'
import { Cluster, Redis } from 'ioredis'
import { count } from './count.ts'
import { cycle, sideBySide, thousands } from './measure.ts'

interface SentScript {
  readonly sha: string
  readonly args: readonly string[]
}

const MANY = Array.from({ length: 1_000 }, (_, at) => `{198.51.100.${at}}`)
const ONE = ['{192.0.2.1}']

/** `run` beside the same EVALSHA, with the same arguments, by the bare client on a connection of its own. */
export async function benchRedis(url: string): Promise<SentScript> {
  const script = await scriptSent(url)
  await compare('Redis, one key', new Redis(url), new Redis(url), ONE, script)
  await compare('Redis, 1,000 keys', new Redis(url), new Redis(url), MANY, script)
  return script
}

/** The same on a Cluster, where steps go together by slots. */
export async function benchCluster(nodes: readonly { host: string; port: number }[], script: SentScript): Promise<void> {
  await compare('Cluster, one key', new Cluster([...nodes]), new Cluster([...nodes]), ONE, script)
  await compare('Cluster, 1,000 keys', new Cluster([...nodes]), new Cluster([...nodes]), MANY, script)
}

async function compare(
  where: string,
  own: Redis | Cluster,
  bare: Redis | Cluster,
  keys: readonly string[],
  { sha, args }: SentScript,
): Promise<void> {
  await Promise.all([once(own, 'ready'), once(bare, 'ready')])
  const adapter = redisAdapter({ client: own, prefix: 'bench:', timeoutMs: 5_000 })
  await Promise.all(keys.map((key) => adapter.run(count, key, 1))) // every master has the script now
  const [next, nextBare] = [cycle(keys), cycle(keys.map((key) => `bench:bare:${key}`))]
  const pair = [
    { name: 'bare EVALSHA', run: () => bare.evalsha(sha, 1, nextBare(), ...args) },
    { name: 'adapter.run', run: () => adapter.run(count, next(), 1) },
  ]
  for (const inFlight of [1, 32]) {
    const total = inFlight === 1 ? 4_000 : 20_000
    const [bareResult = 0, result = 0] = await sideBySide(pair, { total, inFlight })
    console.log(`\n${where}, ${inFlight} in flight`)
    console.log(`  ${'bare EVALSHA'.padEnd(30)} ${thousands(bareResult)}`)
    console.log(`  ${'adapter.run'.padEnd(30)} ${thousands(result)}   ${(result / bareResult).toFixed(2)} of bare`)
  }
  await adapter.close()
  own.disconnect()
  bare.disconnect()
}

/** The digest and the arguments that the adapter sends for one step, as Redis sees them. */
async function scriptSent(url: string): Promise<SentScript> {
  const adapter = redisAdapter({ url, prefix: 'bench:' })
  await adapter.run(count, '{a key}', 1)
  const watching = new Redis(url)
  const monitor = await watching.monitor()
  const seen = new Promise<string[]>((resolve) => {
    monitor.on('monitor', (_time: string, command: string[]) => {
      if (command[0]?.toLowerCase() === 'evalsha') resolve(command)
    })
  })
  await adapter.run(count, '{a key}', 1)
  const [, sha = '', , , ...args] = await seen
  monitor.disconnect()
  watching.disconnect()
  await adapter.close()
  return { sha, args }
}
