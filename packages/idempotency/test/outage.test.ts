import { once } from 'node:events'
import { createServer } from 'node:http'
import { scheduler } from 'node:timers/promises'
import { redisAdapter } from '@holdfast/adapter/redis'
import { front } from '@holdfast/http/node'
import { createIdempotency } from '@holdfast/idempotency'
import { idempotency } from '@holdfast/idempotency/node'
import { allOutages, ownPrefix, type RedisProxy, type RedisServer, startProxy, startRedisServer } from '@holdfast/test/redis'
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { post } from './idempotent.ts'
import { published } from './stage.ts'

// In real time: deadlines, leases and reconnecting clients go by it. Some seconds each.
let server: RedisServer
let proxy: RedisProxy
beforeAll(async () => {
  server = await startRedisServer()
  proxy = await startProxy(server.port)
})
afterAll(async () => {
  await proxy.stop()
  await server.stop()
})

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

/** An API whose handler does what a test says before it answers. */
async function serving(work: () => unknown, leaseMs: number) {
  const prefix = ownPrefix()
  const adapter = redisAdapter({ url: proxy.url, prefix, timeoutMs: 200 })
  let count = 0
  const middleware = idempotency({ adapter, scope: 'public', leaseMs })
  const app = createServer(
    front([middleware], async (_req, res) => {
      count += 1
      await work()
      res.writeHead(201).end('paid')
    }),
  ).listen(0, '127.0.0.1')
  await once(app, 'listening')
  const address = app.address()
  ends.push(
    () => adapter.close(),
    () => app.close(),
  )
  return { port: typeof address === 'object' ? (address?.port ?? 0) : 0, prefix, count: () => count }
}

/** How the run of the only key has ended, as Redis has it. */
async function outcomeIn(prefix: string): Promise<unknown> {
  const keys = await server.command('KEYS', `${prefix}*`)
  const [key] = Array.isArray(keys) ? keys : []
  return key === undefined ? undefined : server.command('HGET', String(key), 'outcome')
}

describe.each(allOutages(() => ({ server, proxy })))('while Redis %s', (_how, { begin, end }) => {
  it('runs nothing new, gives the answer of what ran, and keeps it as soon as Redis is back', async () => {
    const { port, prefix, count } = await serving(begin, 10_000)
    let isOver = false
    async function mend(): Promise<void> {
      if (!isOver) await end()
      isOver = true
    }
    ends.push(mend)
    const failures = await published('holdfast.idempotency.failure', async () => {
      const since = performance.now()
      expect(await post(port, { key: 'first' })).toMatchObject({ status: 201, body: 'paid' })
      expect(performance.now() - since).toBeLessThan(5_000)
    })
    expect(failures).toMatchObject([{ call: 'commit', error: { code: expect.stringMatching(/^ERR_HOLDFAST_ADAPTER_/) } }])
    const since = performance.now()
    const refused = await post(port, { key: 'second' })
    expect([refused.status, refused.headers['retry-after']]).toEqual([503, '1'])
    expect(performance.now() - since).toBeLessThan(700)
    expect(count()).toBe(1)
    await mend()
    while ((await outcomeIn(prefix)) !== 'answer') await scheduler.wait(50)
    let replay = await post(port, { key: 'first' })
    while (replay.status === 503) replay = await post(port, { key: 'first' })
    expect(replay).toMatchObject({ status: 201, body: 'paid', headers: { 'idempotent-replayed': 'true' } })
    expect(count()).toBe(1)
  })
})

it('frees the key of a run at the end of its lease, when its answer could not be kept until then', async () => {
  let works: () => unknown = () => proxy.refuse()
  const { port, count } = await serving(() => works(), 500)
  ends.push(() => proxy.restore())
  expect((await post(port)).status).toBe(201)
  await scheduler.wait(1_000)
  works = () => {}
  await proxy.restore()
  let retried = await post(port)
  while (retried.status === 503) retried = await post(port)
  expect([retried.status, retried.headers['idempotent-replayed'], count()]).toEqual([201, undefined, 2])
})

it('runs nothing when the answer to its first command is lost, and frees the key soon after', async () => {
  const { port, count } = await serving(() => {}, 3_600_000)
  expect((await post(port, { key: 'another' })).status).toBe(201)
  proxy.cutReplies()
  ends.push(() => proxy.restore())
  expect((await post(port)).status).toBe(503)
  await proxy.restore()
  let retried = await post(port)
  const restored = performance.now()
  while (retried.status !== 201) {
    expect([409, 503]).toContain(retried.status)
    expect(performance.now() - restored).toBeLessThan(5_000)
    retried = await post(port)
  }
  expect(count()).toBe(2)
})

it('goes on with a run while Redis forgets it, and makes its record again', async () => {
  const adapter = redisAdapter({ url: server.url, prefix: ownPrefix(), timeoutMs: 5_000 })
  ends.push(() => adapter.close())
  const { run } = createIdempotency({ adapter, leaseMs: 600 })
  let aborted: boolean | undefined
  const value = await run('key', '', async ({ signal }) => {
    await server.command('FLUSHALL')
    await scheduler.wait(400) // a third of the lease, and some more
    expect(await run('key', '', () => 'second')).toMatchObject({ state: 'in-progress' })
    await server.command('SCRIPT', 'FLUSH')
    await scheduler.wait(800)
    aborted = signal.aborted
    return 'first'
  })
  expect([value, aborted]).toEqual([{ state: 'completed', value: 'first', replayed: false }, false])
  expect(await run('key', '', () => 'third')).toEqual({ state: 'completed', value: 'first', replayed: true })
})
