import { memoryAdapter } from '@holdfast/adapter/memory'
import { redisAdapter } from '@holdfast/adapter/redis'
import { createCache } from '@holdfast/cache'
import { BentoCache, bentostore } from 'bentocache'
import { memoryDriver } from 'bentocache/drivers/memory'
import { redisDriver } from 'bentocache/drivers/redis'
import { createCache as createManaged } from 'cache-manager'
import { Redis } from 'ioredis'
import { type Subject, sideBySide, thousands } from './measure.ts'

const USER = { id: 42, name: 'Ann', groups: ['admin', 'staff'], address: { city: 'Oslo', lines: ['Street 1', 'Floor 2'] } }
const load = async (): Promise<typeof USER> => USER
const ttlMs = 3_600_000

/** Hits of a cache: of copies in this process, and of values in Redis. */
export async function benchCache(url: string): Promise<void> {
  const memory = memoryAdapter()
  const cache = createCache({ adapter: memory, ttlMs, near: { ttlMs } })
  const bento = new BentoCache({ default: 'near', stores: { near: bentostore().useL1Layer(memoryDriver()) } })
  const managed = createManaged({ ttl: ttlMs })
  const near = [
    { name: '@holdfast/cache', run: () => cache.getOrSet('42', load) },
    { name: 'bentocache', run: () => bento.getOrSet({ key: '42', factory: load, ttl: ttlMs }) },
    { name: 'cache-manager', run: () => managed.wrap('42', load) },
  ]
  await warm(near)
  await compare('cache hits in this process, 1 in flight', near, 200_000, 1)

  const client = new Redis(url)
  const adapter = redisAdapter({ client, prefix: 'bench:' })
  const shared = createCache({ adapter, ttlMs, timeoutMs: 2_000 })
  const connection = new Redis(url)
  const far = new BentoCache({ default: 'far', stores: { far: bentostore().useL2Layer(redisDriver({ connection })) } })
  const bare = new Redis(url)
  await bare.set('bench:bare', JSON.stringify(USER))
  async function parsed(): Promise<unknown> {
    const user: unknown = JSON.parse((await bare.get('bench:bare')) ?? '')
    return user
  }
  const hits = [
    { name: '@holdfast/cache', run: () => shared.getOrSet('42', load) },
    { name: 'bentocache', run: () => far.getOrSet({ key: '42', factory: load, ttl: ttlMs }) },
    { name: 'GET and JSON.parse', run: parsed },
  ]
  await warm(hits)
  await compare('cache hits in Redis, 1 in flight', hits, 3_000, 1)
  await compare('cache hits in Redis, 32 in flight', hits, 20_000, 32)
  await Promise.all([far.disconnectAll(), bento.disconnectAll(), adapter.close(), memory.close()])
  for (const each of [client, bare]) each.disconnect()
}

/** Fills the caches, and waits until copies are served. */
async function warm(subjects: readonly Subject[]): Promise<void> {
  for (const { run } of subjects) {
    for (let call = 0; call < 10; call += 1) {
      await run()
      await new Promise(setImmediate)
    }
  }
}

async function compare(title: string, subjects: readonly Subject[], total: number, inFlight: number): Promise<void> {
  const results = await sideBySide(subjects, { total, inFlight, rounds: 7 })
  console.log(title)
  for (const [index, { name }] of subjects.entries()) console.log(`  ${name.padEnd(30)} ${thousands(results[index] ?? 0)}`)
}
