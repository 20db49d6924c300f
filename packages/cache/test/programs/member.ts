import { once } from 'node:events'
import { redisAdapter } from '@holdfast/adapter/redis'
import { createCache } from '@holdfast/cache'
import { Cluster, Redis } from 'ioredis'

/** What a process is asked to do. */
export type Job =
  /** So many callers at once, in so many processes; the loader ends when all have asked. */
  | { readonly kind: 'callers'; readonly key: string; readonly count: number; readonly members: number }
  /** Loads until it is told to finish, and then gives `value`. */
  | { readonly kind: 'hang'; readonly key: string; readonly value: string }
  | { readonly kind: 'finish' }
  | { readonly kind: 'get'; readonly key: string; readonly value: string }
  /** Reads and writes, against other processes that do the same. */
  | { readonly kind: 'race'; readonly rounds: number }

// One of several processes. What is cached is read from the database, which is the same Redis, past the cache.
const { NODES = '[]', PREFIX: prefix = '', LEASE_MS = '10000', NEAR = '' } = process.env
const nodes = JSON.parse(NODES) as { host: string; port: number }[]
const [first] = nodes
const client = nodes.length > 1 ? new Cluster(nodes) : new Redis({ ...first })
const database = nodes.length > 1 ? new Cluster(nodes) : new Redis({ ...first })
const adapter = redisAdapter({ client, prefix, timeoutMs: 5_000 })
const near = NEAR === '' ? {} : { near: { strict: NEAR === 'strict' } }
const cache = createCache({
  adapter,
  name: 'members',
  ttlMs: 3_600_000,
  timeoutMs: 5_000,
  loadLeaseMs: Number(LEASE_MS),
  ...near,
})
const told: (() => void)[] = []

async function callers(key: string, count: number, members: number): Promise<unknown> {
  async function load(): Promise<number> {
    await database.incr(`${prefix}loads:${key}`)
    while (Number(await database.get(`${prefix}asked`)) < members) await database.ping() // until all callers of all have asked
    return process.pid
  }
  const values = Promise.all(Array.from({ length: count }, () => cache.getOrSet(key, load)))
  await adapter.get('sent after what the callers ask for')
  await database.incr(`${prefix}asked`)
  return values
}

async function hang(key: string, value: string): Promise<unknown> {
  return cache.getOrSet(key, () => {
    process.send?.('began')
    return new Promise<string>((resolve) => told.push(() => resolve(value)))
  })
}

/** What is wrong: a value that was read after a purge, but loaded before it; or two loads of one key at a time. */
async function race(rounds: number): Promise<unknown> {
  const wrong: string[] = []

  async function load(key: string): Promise<number> {
    const running = await database.incr(`${prefix}running:${key}`)
    if (running > 1 && key !== 'deleted') wrong.push(`${running} loads of ${key} at a time`)
    const version = Number(await database.get(`${prefix}version:${key}`))
    for (let left = Math.random() * 20; left > 0; left -= 1) await database.ping() // it takes some time
    await database.decr(`${prefix}running:${key}`)
    return version
  }

  async function read(key: string): Promise<void> {
    const purged = Number(await database.get(`${prefix}purged:${key}`))
    const version = await cache.getOrSet(key, () => load(key), { tags: [`tag of ${key}`] })
    if (version < purged) wrong.push(`version ${version} of ${key} after ${purged} was purged`)
  }

  async function write(key: string): Promise<void> {
    const version = await database.incr(`${prefix}version:${key}`)
    if (key === 'deleted') await cache.delete(key)
    else if (key === 'cleared') await cache.clear()
    else await cache.invalidateTags([`tag of ${key}`, 'another'])
    await database.set(`${prefix}purged:${key}`, Math.max(version, Number(await database.get(`${prefix}purged:${key}`))))
  }

  for (let round = 0; round < rounds; round += 1) {
    const key = ['one', 'two', 'deleted', 'cleared'][Math.floor(Math.random() * 4)] ?? ''
    const works = Array.from({ length: 4 }, () => (Math.random() < 0.1 ? write(key) : read(key)))
    await Promise.all(works)
  }
  return wrong
}

async function done(job: Job): Promise<unknown> {
  if (job.kind === 'callers') return callers(job.key, job.count, job.members)
  if (job.kind === 'hang') return hang(job.key, job.value)
  if (job.kind === 'get') return cache.getOrSet(job.key, () => job.value)
  if (job.kind === 'race') return race(job.rounds)
  for (const tell of told.splice(0)) tell()
  return 'told'
}

process.on('message', (job: Job) => void done(job).then((result) => process.send?.(result)))
process.on('disconnect', () => process.exit(0))
for (const each of [client, database]) if (each.status !== 'ready') await once(each, 'ready')
process.send?.('ready')
