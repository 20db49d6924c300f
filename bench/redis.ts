import { redisAdapter } from '@holdfast/adapter/redis'
import { Redis } from 'ioredis'
import { count } from './count.ts'
import { sideBySide, thousands } from './measure.ts'

/** `run` beside the same EVALSHA, with the same arguments, by the bare client on a connection of its own. */
export async function benchRedis(url: string): Promise<void> {
  const [own, bare] = [new Redis(url), new Redis(url)]
  const adapter = redisAdapter({ client: own, prefix: 'bench:', timeoutMs: 5_000 })
  const { sha, args } = await scriptSentBy(own, () => adapter.run(count, '{key}', 1))
  const subjects = [
    { name: 'bare EVALSHA', run: () => bare.evalsha(sha, 1, 'bench:{bare}', ...args) },
    { name: 'adapter.run', run: () => adapter.run(count, '{key}', 1) },
  ]
  for (const inFlight of [1, 32]) {
    const total = inFlight === 1 ? 4_000 : 20_000
    const [bareResult = 0, result = 0] = await sideBySide(subjects, { total, inFlight })
    console.log(`\nRedis, ${inFlight} in flight`)
    console.log(`  ${'bare EVALSHA'.padEnd(30)} ${thousands(bareResult)}`)
    console.log(`  ${'adapter.run'.padEnd(30)} ${thousands(result)}   ${(result / bareResult).toFixed(2)} of bare`)
  }
  await adapter.close()
  own.disconnect()
  bare.disconnect()
}

/** The digest and the arguments that the adapter sends, as Redis sees them. */
async function scriptSentBy(client: Redis, run: () => Promise<unknown>): Promise<{ sha: string; args: string[] }> {
  await run()
  const watching = client.duplicate()
  const monitor = await watching.monitor()
  const seen = new Promise<string[]>((resolve) => {
    monitor.on('monitor', (_time: string, command: string[]) => {
      if (command[0]?.toLowerCase() === 'evalsha') resolve(command)
    })
  })
  await run()
  const [, sha = '', , , ...args] = await seen
  monitor.disconnect()
  watching.disconnect()
  return { sha, args }
}
