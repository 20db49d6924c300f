import { redisAdapter } from '@holdfast/adapter/redis'
import { eachFramework } from '@holdfast/test/frameworks'
import { request } from '@holdfast/test/raw-http'
import { ownPrefix, sharedRedisUrl } from '@holdfast/test/redis'
import { afterEach, expect, it } from '@jest/globals'
import { responseCache as onExpress } from '../src/express.ts'
import { createResponseCache } from '../src/index.ts'
import { responseCache as onKoa } from '../src/koa.ts'
import { responseCache as onNode } from '../src/node.ts'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

function strictCache(prefix: string) {
  const adapter = redisAdapter({ url: sharedRedisUrl(), prefix })
  closing.push(() => adapter.close())
  return createResponseCache({ adapter, near: { strict: true } })
}

eachFramework((framework) => {
  it('serves no copy in this process that another process has purged, when near is strict', async () => {
    const prefix = ownPrefix()
    const [here, there] = [strictCache(prefix), strictCache(prefix)]
    const options = { cache: here, ttlMs: 60_000, tags: () => ['page'] }
    let runs = 0
    const { port } = await framework.serve({
      gate: { node: () => [onNode(options)], express: () => [onExpress(options)], koa: () => [onKoa(options)] },
      handler: () => ({ body: `made ${++runs}` }),
    })
    const get = () => request(port, { headers: { Host: 'shop' } })
    const hit = async () => {
      while (!(await get()).headers['cache-status']?.includes('hit')); // it is stored after it is sent
    }
    const purges = [() => there.invalidateTags(['page']), () => there.invalidateUrl('http://shop/'), () => there.clear()]
    for (const purge of purges) {
      await hit()
      const before = runs
      await purge()
      expect((await get()).body).toBe(`made ${before + 1}`)
    }
  })
})
