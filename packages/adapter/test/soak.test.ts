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

    const before = await steps(20_000)
    const after = await steps(100_000)
    clearInterval(outages)
    expect(failed).toBeGreaterThan(10)
    expect((after - before) / 100_000).toBeLessThan(160) // bytes a step: what a step that is not let go would hold is more
  },
  60_000,
)
