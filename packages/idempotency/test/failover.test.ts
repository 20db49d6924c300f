import { once } from 'node:events'
import { scheduler } from 'node:timers/promises'
import { type Adapter, isAdapterError } from '@holdfast/adapter'
import { redisAdapter } from '@holdfast/adapter/redis'
import { createIdempotency } from '@holdfast/idempotency'
import { ownPrefix, startRedisCluster, startRedisServer, startSentinel } from '@holdfast/test/redis'
import { afterEach, expect, it } from '@jest/globals'
import { Cluster, Redis } from 'ioredis'

// In real time: a failover takes some seconds.
const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

/** Pays once while a master is killed, and once more when there is another: as one who tries again until Redis answers. */
async function paysOnce(adapter: Adapter, failover: () => unknown): Promise<void> {
  const payments = createIdempotency({ adapter, leaseMs: 10_000 })
  let count = 0
  async function pay(work: () => unknown) {
    for (;;) {
      try {
        const paid = await payments.run('42', 'the same', async () => {
          count += 1
          await work()
          return 'paid'
        })
        if (paid.state !== 'in-progress') return paid
      } catch (error) {
        if (!isAdapterError(error)) throw error
      }
      await scheduler.wait(50)
    }
  }
  expect(await pay(failover)).toEqual({ state: 'completed', value: 'paid', replayed: false })
  expect(await pay(() => {})).toEqual({ state: 'completed', value: 'paid', replayed: true })
  expect(count).toBe(1)
}

it('keeps what ran while Sentinel made another master, and runs it once', async () => {
  const sentinel = await startSentinel({ replicas: 2 })
  ends.push(() => sentinel.stop())
  const client = new Redis({
    sentinels: sentinel.sentinels.map(({ host, port }) => ({ host, port })),
    name: sentinel.name,
    reconnectOnError: (error) => error.message.includes('READONLY'),
  })
  ends.push(() => client.disconnect())
  const adapter = redisAdapter({ client, prefix: ownPrefix(), timeoutMs: 200 })
  ends.push(() => adapter.close())
  await paysOnce(adapter, () => sentinel.failover('kill'))
}, 60_000)

it('keeps what ran while a Cluster made another master, and runs it once', async () => {
  const cluster = await startRedisCluster({ replicasPerMaster: 1 })
  ends.push(() => cluster.stop())
  const nodes = cluster.nodes.map(({ host, port }) => ({ host, port }))
  const client = new Cluster(nodes, { retryDelayOnFailover: 0 })
  client.on('error', () => {}) // while the master is away
  ends.push(() => client.disconnect())
  await once(client, 'ready')
  const prefix = ownPrefix()
  const adapter = redisAdapter({ client, prefix, timeoutMs: 200 })
  ends.push(() => adapter.close())
  await paysOnce(adapter, async () => cluster.failover(await cluster.masterOf(`${prefix}idempotency:default:{42}`)))
}, 60_000)

it('runs nothing where the password is wrong, and says why', async () => {
  const server = await startRedisServer('--requirepass', 'secret')
  ends.push(() => server.stop())
  const adapter = redisAdapter({ url: server.url, prefix: ownPrefix(), timeoutMs: 500 })
  ends.push(() => adapter.close())
  const payments = createIdempotency({ adapter })
  let count = 0
  await expect(payments.run('42', 'the same', () => ++count)).rejects.toMatchObject({
    code: expect.stringMatching(/^ERR_HOLDFAST_ADAPTER_/),
  })
  expect(count).toBe(0)
})
