import { once } from 'node:events'
import { createServer } from 'node:http'
import { redisAdapter } from '@holdfast/adapter/redis'
import { front } from '@holdfast/http/node'
import { createIdempotency } from '@holdfast/idempotency'
import { idempotency } from '@holdfast/idempotency/node'
import { type CommandCounter, commandCounter, ownPrefix, sharedRedisUrl } from '@holdfast/test/redis'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { Redis } from 'ioredis'
import { post } from './idempotent.ts'
import { deferred } from './stage.ts'

const prefix = ownPrefix()
const adapter = redisAdapter({ url: sharedRedisUrl(), prefix, timeoutMs: 10_000 })
const redis = new Redis(sharedRedisUrl())
afterAll(async () => {
  await adapter.close()
  await redis.quit()
})

describe('the commands that are sent', () => {
  const [begun, working] = [deferred(), deferred()]
  const middleware = idempotency({ adapter, scope: 'public', leaseMs: 3_600_000 })
  const server = createServer(
    front([middleware], (req, res) => {
      if (req.headers['x-slow'] === undefined) return void res.writeHead(201).end('paid')
      begun.resolve()
      void working.promise.then(() => res.writeHead(201).end('paid'))
    }),
  )
  let port = 0
  let counter: CommandCounter
  beforeAll(async () => {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    port = typeof address === 'object' ? (address?.port ?? 0) : 0
    await post(port, { key: 'warm' }) // every script is known
    counter = await commandCounter(sharedRedisUrl(), prefix)
  })
  afterAll(() => {
    counter.stop()
    server.close()
  })

  it('are two for a first request, one for a replay, a conflict or a mismatch, none for a bad key', async () => {
    expect((await post(port, { key: 'a' })).status).toBe(201)
    expect(await counter.take()).toEqual(['evalsha', 'evalsha'])
    expect((await post(port, { key: 'a' })).status).toBe(201)
    expect(await counter.take()).toEqual(['evalsha'])
    expect((await post(port, { key: 'a', body: 'other' })).status).toBe(422)
    expect(await counter.take()).toEqual(['evalsha'])
    expect((await post(port, { key: '"' })).status).toBe(400)
    expect(await counter.take()).toEqual([])
    const slow = post(port, { key: 'b', headers: { 'X-Slow': '1' } })
    await begun.promise
    await counter.take()
    expect((await post(port, { key: 'b' })).status).toBe(409)
    expect(await counter.take()).toEqual(['evalsha'])
    working.resolve()
    await slow
    expect(await counter.take()).toEqual(['evalsha'])
  })
})

describe('what Redis holds', () => {
  it('has an end, whatever was done: of a run that goes on, has ended, was freed', async () => {
    const { run, cancel } = createIdempotency({ adapter, name: 'ends', retentionMs: 60_000, leaseMs: 3_600_000 })
    const end = deferred()
    await run('ended', '', () => 'value')
    await run('freed', '', () => 'value')
    await cancel('freed')
    await run('failed', '', () => Promise.reject(new Error('on purpose'))).catch(() => {})
    const going = run('going on', '', () => end.promise)
    await run('a run after it', '', () => 1)
    const keys = await redis.keys(`${prefix}idempotency-run:ends:*`)
    expect(keys).toHaveLength(5)
    for (const key of keys) {
      const ttl = await redis.pttl(key)
      expect(ttl).toBeGreaterThan(0)
      expect(ttl).toBeLessThanOrEqual(key.includes('going') ? 3_601_000 : 61_000)
    }
    end.resolve()
    await going
  })

  it('is one hash for a key, in the slot of it', async () => {
    const { run } = createIdempotency({ adapter, name: 'fields' })
    await run('42', 'charge', () => 'value')
    const fields = await redis.hgetall(`${prefix}idempotency-run:fields:{42}`)
    expect(fields).toEqual({
      $: expect.any(String),
      attempt: '1',
      fence: expect.stringMatching(/^\d{16}$/),
      print: expect.any(String),
      token: expect.any(String),
      until: '0',
      lease: '0',
      addresses: '',
      outcome: 'answer',
      bytes: expect.any(String),
    })
  })
})
