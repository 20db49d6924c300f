import { once } from 'node:events'
import { memoryAdapter } from '@holdfast/adapter/memory'
import { redisAdapter } from '@holdfast/adapter/redis'
import { failing } from '@holdfast/adapter/testing'
import { ownPrefix, type RedisServer, startRedisServer } from '@holdfast/test/redis'
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals'
import { Redis } from 'ioredis'
import { type Act, browser, closeServers, eachStage, gate, type StoreOptions } from './stage.ts'

closeServers()

// In real time: deadlines go by it. Some 500 ms each.
const TIMEOUT_MS = 300
let server: RedisServer
beforeAll(async () => {
  server = await startRedisServer()
})
afterAll(() => server.stop())
const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  server.thaw()
  for (const close of closing.splice(0)) await close()
})

const act: Act = ({ path, session }) => {
  if (path === '/in') session['user'] = 'ann'
  if (path === '/write') session['late'] = true
  return session
}

eachStage((stage) => {
  async function site(options: Partial<StoreOptions> = {}, settings: Parameters<typeof stage.serve>[2] = {}) {
    const prefix = ownPrefix()
    const adapter = redisAdapter({ url: server.url, prefix, timeoutMs: TIMEOUT_MS })
    closing.push(() => adapter.close())
    const app = await stage.serve({ adapter, ...options }, act, settings)
    const client = browser()
    await client.get(`${app.url}/in`)
    return { app, client, prefix: prefix + stage.prefix }
  }

  it('answers 503 with Retry-After within the deadline while Redis is frozen, and knows the session afterwards', async () => {
    const { app, client } = await site()
    server.freeze()
    const started = performance.now()
    const refused = await client.get(`${app.url}/`)
    expect(performance.now() - started).toBeLessThan(TIMEOUT_MS + 1_000)
    expect(refused.status).toBe(503)
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(refused.cookies).toEqual([])
    server.thaw()
    await untilBack(
      () => client.get(`${app.url}/`),
      ({ status }) => status === 200,
    )
    expect((await client.get(`${app.url}/`)).body).toMatchObject({ user: 'ann' })
  })

  it.each([
    ['as it is by itself', {}],
    ['where every response prolongs the session', { express: { rolling: true, resave: true }, koa: { rolling: true } }],
  ])("goes on with an empty session with failure: 'open', %s, and knows the old one afterwards", async (_, settings) => {
    const { app, client } = await site({ failure: 'open' }, settings)
    const cookies = new Map(client.cookies)
    server.freeze()
    const failure = once(app.store, 'failure')
    const [read, written] = [await client.get(`${app.url}/`), await client.get(`${app.url}/write`)]
    expect(await failure).toEqual([{ type: 'failure', id: expect.any(String), error: expect.any(Error) }])
    expect([read.status, written.status]).toEqual([200, 200])
    expect(read.body).not.toHaveProperty('user')
    expect(client.cookies).toEqual(cookies)
    server.thaw()
    const isBack = ({ body }: { body: unknown }) => typeof body === 'object' && body !== null && 'user' in body
    const { body } = await untilBack(() => client.get(`${app.url}/`), isBack)
    expect(body).not.toHaveProperty('late')
    expect(client.cookies).toEqual(cookies)
  })

  it('keeps nothing of an empty session, also where the adapter is back before the request ends', async () => {
    const adapter = failing(memoryAdapter())
    adapter.recover()
    const app = await stage.serve({ adapter, failure: 'open' }, (visit) => {
      adapter.recover()
      if (visit.path !== '/update') return act(visit)
      return visit.update((session) => Object.assign(session, { late: true }))
    })
    const client = browser()
    await client.get(`${app.url}/in`)
    adapter.fail()
    expect((await client.get(`${app.url}/write`)).body).not.toHaveProperty('user')
    adapter.fail()
    expect((await client.get(`${app.url}/update`)).body).toBe(false)
    const { body } = await client.get(`${app.url}/`)
    expect(body).toMatchObject({ user: 'ann' })
    expect(body).not.toHaveProperty('late')
  })

  it("sends no cookie with an empty session: the client's may last longer than a new one", async () => {
    const adapter = failing(memoryAdapter())
    adapter.recover()
    const rolling = { express: { rolling: true, resave: true }, koa: { rolling: true } }
    const app = await stage.serve(
      { adapter, failure: 'open' },
      async (visit) => {
        if (visit.path === '/regenerate') await visit.regenerate()
        return act(visit)
      },
      rolling,
    )
    const client = browser()
    await client.get(`${app.url}/in`)
    adapter.fail()
    const answers = [await client.get(`${app.url}/write`), await client.get(`${app.url}/regenerate`)]
    expect(answers.map(({ status, cookies }) => [status, cookies])).toEqual([
      [200, []],
      [503, []],
    ])
    adapter.recover()
    expect((await client.get(`${app.url}/`)).body).toMatchObject({ user: 'ann' })
  })

  it.each(['open', 'closed'] as const)(
    "does not say that a user is logged out who is not, with failure: '%s'",
    async (failure) => {
      const inFlight = gate()
      const prefix = ownPrefix()
      const adapter = redisAdapter({ url: server.url, prefix, timeoutMs: TIMEOUT_MS })
      closing.push(() => adapter.close())
      const app = await stage.serve({ adapter, failure }, async (visit) => {
        if (visit.path === '/out') {
          await inFlight.pass()
          await visit.logOut()
          return null
        }
        return act(visit)
      })
      const client = browser()
      await client.get(`${app.url}/in`)
      const out = client.copy().get(`${app.url}/out`)
      await inFlight.reached
      server.freeze()
      inFlight.open()
      expect((await out).status).toBe(503)
    },
  )

  it.each([
    ['no JSON', (redis: Redis, key: string) => redis.set(key, '{"n":', 'EX', 100)],
    ['JSON that is no object', (redis: Redis, key: string) => redis.set(key, '[1]', 'EX', 100)],
    ['another kind of key', (redis: Redis, key: string) => redis.multi().del(key).hset(key, 'a', 1).expire(key, 100).exec()],
    ['what its framework fails on', (redis: Redis, key: string) => redis.set(key, SPOILT, 'EX', 100)],
    ['what is nested so deeply that its framework fails on it', (redis: Redis, key: string) => redis.set(key, DEEP, 'EX', 100)],
    ['a record that says it is encrypted', (redis: Redis, key: string) => redis.set(key, 'holdfast:1:1000:abc', 'EX', 100)],
    ['a record that says it was moved', (redis: Redis, key: string) => redis.set(key, MOVED, 'EX', 100)],
  ])('costs one user a new session where there is %s under the key', async (_, spoil) => {
    const { app, client, prefix } = await site()
    const other = browser()
    const redis = new Redis(server.url)
    const [key = ''] = await redis.keys(`${prefix}*`)
    await other.get(`${app.url}/in`)
    await spoil(redis, key)
    const corrupt = once(app.store, 'corrupt')
    const { status, body } = await client.get(`${app.url}/`)
    expect([status, Object(body).user]).toEqual([200, undefined])
    expect(await corrupt).toEqual([{ type: 'corrupt', id: expect.any(String), error: expect.any(Error) }])
    expect((await client.get(`${app.url}/in`)).body).toMatchObject({ user: 'ann' })
    expect((await client.get(`${app.url}/`)).body).toMatchObject({ user: 'ann' })
    expect((await other.get(`${app.url}/`)).body).toMatchObject({ user: 'ann' })
    redis.disconnect()
  })
})

const SPOILT = '{"cookie":{"originalMaxAge":"a day"},"toJSON":1}'
const DEEP = `{"cookie":{"originalMaxAge":null},"deep":${'['.repeat(20_000)}${']'.repeat(20_000)}}`
const MOVED = '{"cookie":{"originalMaxAge":null,"expires":null,"httpOnly":true,"path":"/"},"__holdfast":{"moved":"AAAA"}}'

/** Asks until Redis is tried again. */
async function untilBack<T>(ask: () => Promise<T>, isBack: (answer: T) => boolean): Promise<T> {
  for (const end = performance.now() + 5_000; ; ) {
    const answer = await ask()
    if (isBack(answer)) return answer
    expect(performance.now()).toBeLessThan(end)
  }
}
