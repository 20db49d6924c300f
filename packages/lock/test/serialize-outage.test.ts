import { once } from 'node:events'
import { redisAdapter } from '@holdfast/adapter/redis'
import { counting } from '@holdfast/adapter/testing'
import { createLocks } from '@holdfast/lock'
import { serialize as onExpress, type SerializeOptions } from '@holdfast/lock/express'
import { serialize as onKoa } from '@holdfast/lock/koa'
import { serialize as onNode } from '@holdfast/lock/node'
import { type Bindings, eachFramework } from '@holdfast/test/frameworks'
import { request, sent } from '@holdfast/test/raw-http'
import { ownPrefix, type RedisServer, startRedisServer } from '@holdfast/test/redis'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { acquiredAtLast, atEnd, TIMEOUT_MS } from './outage-stage.ts'

let server: RedisServer
beforeAll(async () => {
  server = await startRedisServer()
})
afterAll(() => server.stop())

function serialized(options: Omit<SerializeOptions<unknown>, 'key'>): Bindings {
  const withKey = { ...options, key: () => 'k' }
  return { node: () => [onNode(withKey)], express: () => [onExpress(withKey)], koa: () => [onKoa(withKey)] }
}

// In real time: deadlines go by it. Some hundred milliseconds each.
eachFramework((framework) => {
  function stage() {
    const adapter = counting(redisAdapter({ url: server.url, prefix: ownPrefix(), timeoutMs: TIMEOUT_MS }))
    atEnd(() => adapter.close())
    return { adapter, locks: createLocks({ adapter }) }
  }

  it('refuses with 503 while Redis is frozen, keeps who waits in line, and goes on when it is back', async () => {
    const { adapter, locks } = stage()
    const { port } = await framework.serve({ gate: serialized({ adapter, waitMs: 30_000 }) })
    const held = await locks.acquire('k')
    const waiting = request(port)
    while (adapter.counts.run < 2) await new Promise(setImmediate) // steps of one key keep their order: it is in line before the next
    const late = await framework.serve({ gate: serialized({ adapter, onBusy: 'reject' }) })
    expect((await request(late.port)).status).toBe(409)
    server.freeze()
    atEnd(() => server.thaw())
    const started = performance.now()
    const refused = await request(late.port)
    expect(refused).toMatchObject({ status: 503, headers: { 'content-type': 'application/problem+json' } })
    expect(Number(refused.headers['retry-after'])).toBeGreaterThanOrEqual(1)
    expect(performance.now() - started).toBeLessThan(TIMEOUT_MS + 500)
    server.thaw()
    await acquiredAtLast(locks, 'another')
    expect(await held.release()).toBe(true)
    expect((await waiting).status).toBe(200)
  })

  it('frees the key of a client whose socket is reset while it waits, and while its handler works', async () => {
    const { adapter, locks } = stage()
    const held = await locks.acquire('k')
    let arrived: () => void = () => {}
    const working = new Promise<void>((resolve) => {
      arrived = resolve
    })
    const { port } = await framework.serve({
      gate: serialized({ adapter, waitMs: 60_000 }),
      async handler({ req }) {
        arrived()
        await once(req.socket, 'close')
        return { body: 'nobody reads this' }
      },
    })
    const works = await sent(port, [{}])
    await held.release()
    await working
    const waits = await sent(port, [{}])
    waits.resetAndDestroy()
    works.resetAndDestroy()
    const next = await locks.acquire('k', { waitMs: 8_000 })
    expect(await next.release()).toBe(true)
  })
})
