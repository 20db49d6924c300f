import { once } from 'node:events'
import type { Adapter } from '@holdfast/adapter'
import { memoryAdapter } from '@holdfast/adapter/memory'
import { redisAdapter } from '@holdfast/adapter/redis'
import { createLocks } from '@holdfast/lock'
import { Mutex } from 'async-mutex'
import { Redis } from 'ioredis'
import { Mutex as RedisMutex } from 'redis-semaphore'
import Redlock from 'redlock'
import { cycle, median, sideBySide, thousands } from './measure.ts'

/** A library by the two things that all of them do. Each waits as it does by default. */
interface Peer {
  readonly name: string
  acquire(key: string): Promise<() => Promise<unknown>>
  close(): Promise<unknown>
}

const ONE = ['k']
const MANY = Array.from({ length: 1_000 }, (_, at) => `k${at}`)
const WAITERS = 20
const ROUNDS = 5

/** What a lock and its release cost, and how soon who waits is woken, side by side with peers. */
export async function benchLock(redisUrl: string): Promise<void> {
  await report('memory, one key, 1 in flight', [holdfast(memoryAdapter()), asyncMutex()], ONE, 1, 20_000)
  const peers = await onRedis(redisUrl)
  await report('Redis, one key, 1 in flight', peers, ONE, 1, 1_000)
  await report('Redis, 1,000 keys, 32 in flight', peers, MANY, 32, 3_000)
  console.log(`\nlocks, wake-up of each of ${WAITERS} who wait on Redis: median, longest; and whether in their order`)
  for (const peer of peers) console.log(`  ${peer.name.padEnd(30)} ${await wakes(peer)}`)
  await Promise.all(peers.map((peer) => peer.close()))
}

async function report(where: string, peers: readonly Peer[], keys: readonly string[], inFlight: number, total: number) {
  const subjects = peers.map(({ name, acquire }) => {
    const next = cycle(keys)
    return {
      name,
      async run() {
        const release = await acquire(next())
        await release()
      },
    }
  })
  const measured = await sideBySide(subjects, { total, inFlight, rounds: 7 })
  console.log(`\nlocks on ${where}: acquire and release`)
  for (const [index, perSecond] of measured.entries()) {
    const ratio = (perSecond / (measured[0] ?? perSecond)).toFixed(2)
    console.log(`  ${(peers[index]?.name ?? '').padEnd(30)} ${thousands(perSecond)}   ${ratio} of ours`)
  }
}

/** Each takes the lock, and gives it to the next at once. */
async function wakes({ acquire }: Peer): Promise<string> {
  const times: number[] = []
  let inOrder = true
  for (let round = 0; round < ROUNDS; round += 1) {
    const order: number[] = []
    const first = await acquire('line')
    let releasedAt = 0
    async function waiter(place: number): Promise<void> {
      const release = await acquire('line')
      times.push(performance.now() - releasedAt)
      order.push(place)
      releasedAt = performance.now()
      await release()
    }
    const waiting = Array.from({ length: WAITERS }, (_, place) => waiter(place))
    await new Promise((resolve) => setTimeout(resolve, 100)) // until all wait
    releasedAt = performance.now()
    await first()
    await Promise.all(waiting)
    inOrder &&= order.every((place, index) => place === index)
  }
  const [middle, longest] = [median(times).toFixed(2), Math.max(...times).toFixed(0)]
  return `${middle.padStart(7)} ms ${longest.padStart(6)} ms   ${inOrder ? 'yes' : 'no'}`
}

function holdfast(adapter: Adapter): Peer {
  const locks = createLocks({ adapter })
  return {
    name: '@holdfast/lock',
    async acquire(key) {
      const { release } = await locks.acquire(key)
      return release
    },
    close: () => adapter.close(),
  }
}

function asyncMutex(): Peer {
  const mutex = new Mutex()
  return {
    name: 'async-mutex',
    async acquire() {
      const release = await mutex.acquire()
      return async () => release()
    },
    close: async () => {},
  }
}

async function onRedis(url: string): Promise<Peer[]> {
  const clients = [new Redis(url), new Redis(url), new Redis(url)] as const
  await Promise.all(clients.map((client) => once(client, 'ready')))
  const [own, forSemaphore, forRedlock] = clients
  const redlock = new Redlock([forRedlock], { retryCount: -1 })
  const ours = holdfast(redisAdapter({ client: own, prefix: 'bench:', timeoutMs: 5_000 }))
  return [
    {
      ...ours,
      async close() {
        await ours.close()
        own.disconnect()
      },
    },
    {
      name: 'redis-semaphore',
      async acquire(key) {
        const mutex = new RedisMutex(forSemaphore, `bench:${key}`)
        await mutex.acquire()
        return () => mutex.release()
      },
      close: async () => forSemaphore.disconnect(),
    },
    {
      name: 'redlock',
      async acquire(key) {
        const lock = await redlock.acquire([`bench:redlock:${key}`], 10_000)
        return () => lock.release()
      },
      close: async () => forRedlock.disconnect(),
    },
  ]
}
