import { fileURLToPath } from 'node:url'
import { killPrograms, startProgram } from '@holdfast/test/program'
import { request } from '@holdfast/test/raw-http'
import { ownPrefix, sharedRedisUrl } from '@holdfast/test/redis'
import { afterAll, afterEach, expect, it } from '@jest/globals'
import { Redis } from 'ioredis'
import { until } from './stage.ts'

const path = fileURLToPath(new URL('./programs/server.ts', import.meta.url))
const redis = new Redis(sharedRedisUrl())
afterAll(() => redis.quit())
afterEach(killPrograms)

async function servers(count: number) {
  const prefix = ownPrefix()
  const env = { REDIS_URL: sharedRedisUrl(), PREFIX: prefix }
  const programs = await Promise.all(Array.from({ length: count }, () => startProgram(path, env)))
  return { programs, made: (url: string) => redis.get(`${prefix}made:${url}`) }
}

// In real time: the page takes 150 ms to make, a lease is 1 s.
it('makes a response once for two processes with 25 clients each', async () => {
  const { programs, made } = await servers(2)
  const asking = programs.flatMap(({ port }) =>
    Array.from({ length: 25 }, () => request(port, { path: '/page', headers: { Host: 'shop' } })),
  )
  const bodies = (await Promise.all(asking)).map(({ body }) => body)
  expect(new Set(bodies)).toEqual(new Set(['made 1']))
  expect(await made('/page')).toBe('1')
}, 60_000)

it('makes it in another process, one lease after the one that made it was killed', async () => {
  const { programs, made } = await servers(2)
  const [dying, living] = programs
  const lost = request(dying?.port ?? 0, { path: '/hangs', headers: { Host: 'shop' } }).catch(() => 'lost')
  await until(async () => (await made('/hangs')) === '1')
  await dying?.kill()
  const startedAt = performance.now()
  expect((await request(living?.port ?? 0, { path: '/hangs', headers: { Host: 'shop' } })).body).toBe('made 2')
  expect(performance.now() - startedAt).toBeLessThan(3_000)
  expect(await lost).toBe('lost')
}, 60_000)
