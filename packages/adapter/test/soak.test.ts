import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { startProxy, startRedisServer } from '@holdfast/test/redis'
import { expect, it } from '@jest/globals'
import { adapterOn, atEnd, fence, firstSuccess, sources } from './outage-stage.ts'

setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')

/** How many steps each round has: all of a client that apps bring would take too long. */
const STEPS: Readonly<Record<string, number>> = {
  'a client of its own': 20_000,
  'ioredis 6, careful': 6_000,
  'node-redis 6': 6_000,
}
const ROUNDS = 5

// In real time, some seconds each.
it.each(sources.filter(([name]) => name in STEPS))(
  'keeps its memory over 100,000 steps, or 30,000, with an outage every half second, by %s',
  async (name, makeClient) => {
    const perRound = STEPS[name] ?? 0
    const server = await startRedisServer()
    atEnd(() => server.stop())
    const proxy = await startProxy(server.port)
    atEnd(() => proxy.stop())
    const { adapter } = adapterOn(proxy.url, makeClient)
    await firstSuccess(() => fence(adapter))
    const outages = setInterval(() => {
      proxy.cutReplies()
      setTimeout(() => void proxy.restore(), 20)
    }, 500)
    atEnd(() => clearInterval(outages))
    let failed = 0

    async function steps(total: number): Promise<number> {
      let left = total
      async function worker(): Promise<void> {
        while (left > 0) {
          left -= 1
          await fence(adapter, `{k${left % 100}}`).catch(async () => {
            failed += 1
            await firstSuccess(() => fence(adapter))
          })
        }
      }
      await Promise.all(Array.from({ length: 32 }, worker))
      collectGarbage()
      return process.memoryUsage().heapUsed
    }

    const growths: number[] = []
    let before = await steps(perRound)
    for (let round = 0; round < ROUNDS; round += 1) {
      const after = await steps(perRound)
      growths.push((after - before) / perRound)
      before = after
    }
    clearInterval(outages)
    expect(failed).toBeGreaterThan(5)
    // In bytes a step, of which one that is not let go would hold more, in each round; what else the process keeps comes once.
    expect(Math.min(...growths)).toBeLessThan(1_000_000 / perRound)
  },
  240_000,
)
