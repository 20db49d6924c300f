import { scheduler } from 'node:timers/promises'
import { isAdapterError } from '@holdfast/adapter'
import { redisAdapter } from '@holdfast/adapter/redis'
import { createIdempotency } from '@holdfast/idempotency'
import { ownPrefix, startRedisServer, startSentinel } from '@holdfast/test/redis'
import { afterEach, expect, it } from '@jest/globals'
import { Redis } from 'ioredis'

// In real time: a failover takes some seconds.
const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

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
  const payments = createIdempotency({ adapter, leaseMs: 10_000 })
  let count = 0

  /** As one who tries again until Redis answers. */
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

  expect(await pay(() => sentinel.failover('kill'))).toEqual({ state: 'completed', value: 'paid', replayed: false })
  expect(await pay(() => {})).toEqual({ state: 'completed', value: 'paid', replayed: true })
  expect(count).toBe(1)
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
