import { setTimeout as pause } from 'node:timers/promises'
import { redisAdapter } from '@holdfast/adapter/redis'
import { createCache } from '@holdfast/cache'
import { BentoCache, bentostore } from 'bentocache'
import { redisDriver } from 'bentocache/drivers/redis'
import { createCache as createManaged } from 'cache-manager'
import { Redis } from 'ioredis'
import { atOnce, compare } from './compare.ts'

const ROUNDS = 20
const AT_ONCE = 10
const WORK_MS = 20
const ttlMs = 3_600_000

/** A cache as all of them are: one that two processes have in common is made twice. */
interface Cached {
  getOrSet(key: string, load: () => Promise<number>): Promise<number>
  delete(key: string): Promise<unknown>
}

/** Values that many load at once, in two processes, and that are deleted while they are loaded. */
export async function compareValues(url: string): Promise<void> {
  const closing: (() => unknown)[] = []
  function holdfast(): Cached {
    const adapter = redisAdapter({ url, prefix: 'faults:values:' })
    closing.push(() => adapter.close())
    return createCache({ adapter, ttlMs })
  }
  function bento(): Cached {
    const connection = new Redis(url)
    const cache = new BentoCache({ default: 'far', stores: { far: bentostore().useL2Layer(redisDriver({ connection })) } })
    closing.push(() => cache.disconnectAll())
    return {
      getOrSet: (key, factory) => cache.getOrSet({ key, factory, ttl: ttlMs }),
      delete: (key) => cache.delete({ key }),
    }
  }
  const managed = createManaged({ ttl: ttlMs })
  const inMemory: Cached = { getOrSet: (key, load) => managed.wrap(key, load), delete: (key) => managed.del(key) }
  const two = { '@holdfast/cache': [holdfast(), holdfast()], bentocache: [bento(), bento()], 'cache-manager': [inMemory] }
  await compare(
    `Values: asked for ${AT_ONCE} times at once, ${ROUNDS} times, cache-manager by one process, the others by two: loads`,
    Object.entries(two).map(([name, caches]) => ({ name, run: () => loads(caches) })),
  )
  await compare(
    `Values: changed and deleted while they are loaded, ${ROUNDS} times: old values that stay`,
    Object.entries(two).map(([name, [cache]]) => ({ name, run: () => stale(cache) })),
  )
  for (const close of closing) await close()
}

async function loads(caches: readonly Cached[]): Promise<string> {
  let count = 0
  async function load(): Promise<number> {
    count += 1
    await pause(WORK_MS)
    return count
  }
  for (let round = 0; round < ROUNDS; round += 1) {
    await atOnce(AT_ONCE, async (index) => caches[index % caches.length]?.getOrSet(`loads-${round}`, load))
  }
  return `${count}, where ${ROUNDS} are needed`
}

async function stale(cache: Cached | undefined): Promise<string> {
  if (cache === undefined) return 'not tried'
  let count = 0
  for (let round = 0; round < ROUNDS; round += 1) {
    let stored = 1
    const load = async (): Promise<number> => {
      const read = stored
      await pause(WORK_MS)
      return read
    }
    const loading = cache.getOrSet(`stale-${round}`, load)
    await pause(WORK_MS / 2)
    stored = 2
    await cache.delete(`stale-${round}`)
    await loading
    if ((await cache.getOrSet(`stale-${round}`, load)) !== stored) count += 1
  }
  return `${count} of ${ROUNDS}`
}
