import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { startProxy, startRedisServer } from '@holdfast/test/redis'
import { expect, it } from '@jest/globals'
import { adapterOn, atEnd, fence, firstSuccess, sources } from './outage-stage.ts'

setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')

const CLIENTS = ['a client of its own', 'ioredis 6, careful', 'node-redis 6']

// In real time, some seconds each.
it.each(sources.filter(([name]) => CLIENTS.includes(name)))(
  'keeps its memory over 100,000 steps with an outage every half second, by %s',
  async (_name, makeClient) => {
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
    let before = await steps(20_000)
    for (let round = 0; round < 5; round += 1) {
      const after = await steps(20_000)
      growths.push((after - before) / 20_000)
      before = after
    }
    clearInterval(outages)
    expect(failed).toBeGreaterThan(10)
    // In bytes a step, of which one that is not let go would hold more, in each round; what else the process keeps comes once.
    expect(Math.min(...growths)).toBeLessThan(50)
  },
  60_000,
)
