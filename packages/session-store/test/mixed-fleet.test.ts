import { redisAdapter } from '@holdfast/adapter/redis'
import { ownPrefix, sharedRedisUrl } from '@holdfast/test/redis'
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { RedisStore } from 'connect-redis'
import { Redis } from 'ioredis'
import koaRedis from 'koa-redis'
import { createClient } from 'redis5'
import { type Act, browser, closeServers, eachStage, type Fields, gate, serveExpress, serveKoa } from './stage.ts'

closeServers()

const HOUR_MS = 3_600_000
const url = sharedRedisUrl()
const client = createClient({ url })
const redis = new Redis(url)
beforeAll(() => client.connect())
afterAll(() => {
  client.destroy()
  redis.disconnect()
})

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

eachStage((stage) => {
  const peer = stage.name === 'express-session' ? 'connect-redis 9' : 'koa-redis 4'

  /** The same app twice, on one Redis: by this store, and by the other one. */
  async function fleet(act: Act, settings = { maxAge: HOUR_MS }) {
    const prefix = ownPrefix()
    const adapter = redisAdapter({ url, prefix, timeoutMs: 10_000 })
    closing.push(() => adapter.close())
    const ours = await stage.serve({ adapter }, act, settings)
    return { ours: ours.url, theirs: await servePeer(prefix, act, settings.maxAge), prefix: prefix + stage.prefix }
  }

  async function servePeer(prefix: string, act: Act, maxAge: number): Promise<string> {
    if (stage.name === 'express-session') {
      const store = new RedisStore({ client, prefix: `${prefix}sess:` })
      return serveExpress(store, act, { cookie: { maxAge } })
    }
    const store = koaRedis({ url, keyPrefix: prefix })
    closing.push(() => store.client.disconnect())
    return serveKoa(store, act, { maxAge })
  }

  const write: Act = ({ path, session }) => {
    if (path !== '/') session[path.slice(1)] = { list: [], text: 'é', n: 1.5 }
    return session
  }

  async function ttlOf(prefix: string): Promise<{ key: string; ttlMs: number; value: Fields }> {
    const [key = '', ...others] = await redis.keys(`${prefix}*`)
    expect(others).toEqual([])
    return { key, ttlMs: await redis.pttl(key), value: JSON.parse(String(await redis.get(key))) as Fields }
  }

  describe(`beside ${peer}`, () => {
    it('reads what the other one wrote, is read by it, and leaves the same bytes and end', async () => {
      const { ours, theirs, prefix } = await fleet(write)
      const user = browser()
      await user.get(`${theirs}/a`)
      const written = await ttlOf(prefix)
      expect((await user.get(`${ours}/`)).body).toMatchObject({ a: { list: [], text: 'é', n: 1.5 } })
      await user.get(`${ours}/b`)
      const rewritten = await ttlOf(prefix)
      expect(rewritten.key).toBe(written.key)
      expect(Object.keys(rewritten.value)).toEqual(Object.keys({ ...written.value, b: 1 }).toSorted(byEnds))
      expect(Math.abs(rewritten.ttlMs - written.ttlMs)).toBeLessThan(1_000)
      expect((await user.get(`${theirs}/`)).body).toMatchObject({ a: { list: [] }, b: { list: [] } })
      expect(Math.abs((await ttlOf(prefix)).ttlMs - written.ttlMs)).toBeLessThan(1_000)
    })

    it('takes over from the other one, and gives back again: nobody is logged out', async () => {
      const { ours, theirs } = await fleet(write)
      const user = browser()
      for (const [at, app] of [theirs, ours, theirs, ours].entries())
        expect((await user.get(`${app}/step${at}`)).status).toBe(200)
      for (const app of [ours, theirs]) {
        const fields = Object.keys((await user.get(`${app}/`)).body as Fields).filter((key) => key !== 'cookie')
        expect(fields).toEqual(['step0', 'step1', 'step2', 'step3'])
      }
    })

    it('keeps what the other one writes while a request is in flight here', async () => {
      const inFlight = gate()
      const { ours, theirs } = await fleet(async (visit) => {
        write(visit)
        if (visit.path === '/slow') await inFlight.pass()
        return visit.session
      })
      const user = browser()
      await user.get(`${ours}/first`)
      const slow = user.copy().get(`${ours}/slow`)
      await inFlight.reached
      await user.copy().get(`${theirs}/meanwhile`)
      inFlight.open()
      await slow
      expect((await user.get(`${theirs}/`)).body).toMatchObject({ first: {}, slow: {}, meanwhile: {} })
    })

    it('stores nothing of a request that was in flight while the other one logged out', async () => {
      const inFlight = gate()
      const { ours, theirs, prefix } = await fleet(async (visit) => {
        if (visit.path === '/out') return visit.logOut()
        write(visit)
        if (visit.path === '/slow') await inFlight.pass()
        return visit.session
      })
      const user = browser()
      await user.get(`${theirs}/first`)
      const slow = user.copy().get(`${ours}/slow`)
      await inFlight.reached
      await user.copy().get(`${theirs}/out`)
      inFlight.open()
      await slow
      expect(await redis.keys(`${prefix}*`)).toEqual([])
    })
  })
})

/** koa-session writes the end of a session after its fields. */
function byEnds(one: string, other: string): number {
  return Number(one.startsWith('_')) - Number(other.startsWith('_'))
}

describe('records of other versions', () => {
  it.each([
    [
      'connect-redis 4, without a sameSite and with a null end',
      '{"cookie":{"originalMaxAge":null,"expires":null,"httpOnly":true,"path":"/"},"n":1}',
    ],
    ['with the cookie at the end', '{"n":1,"cookie":{"path":"/","httpOnly":true,"expires":null,"originalMaxAge":null}}'],
    ['with disableTTL: without an end', '{"cookie":{"originalMaxAge":null,"expires":null,"httpOnly":true,"path":"/"},"n":1}'],
  ])('%s', async (what, bytes) => {
    const prefix = ownPrefix()
    const adapter = redisAdapter({ url, prefix, timeoutMs: 10_000 })
    closing.push(() => adapter.close())
    const { sessionStore } = await import('@holdfast/session-store/express')
    const store = sessionStore({ adapter })
    if (what.includes('disableTTL')) await redis.set(`${prefix}sess:id`, bytes)
    else await redis.set(`${prefix}sess:id`, bytes, 'EX', 100)
    const read = await store.get('id')
    expect(read).toMatchObject({ n: 1, cookie: { path: '/' } })
    expect(await redis.get(`${prefix}sess:id`)).toBe(bytes)
    expect(Math.abs((await redis.pttl(`${prefix}sess:id`)) - 86_400_000)).toBeLessThan(10_000)
  })
})
