import { defineOperation } from '@holdfast/adapter'
import { redisAdapter } from '@holdfast/adapter/redis'
import { commandCounter, ownPrefix, sharedRedisUrl, startProxy } from '@holdfast/test/redis'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { Cluster, Redis } from 'ioredis'
import { createClient, createClientPool, createCluster, createSentinel, RESP_TYPES } from 'redis'
import { createCluster as createCluster5 } from 'redis5'
import { acquire, quota, ring } from './sample-operations.ts'

const url = sharedRedisUrl()
const inspector = new Redis(url)
beforeAll(() => inspector.ping())
afterAll(() => inspector.disconnect())

describe('what is in Redis', () => {
  it('is one hash per state, with its end beside the fields, and every key ends', async () => {
    const prefix = ownPrefix()
    const adapter = redisAdapter({ url, prefix })
    await adapter.run(acquire, '{k}', { owner: 'ann', leaseMs: 5_000 })
    await adapter.run(ring, '{r}', { item: 'x' })
    await adapter.set('value', Buffer.from('v'), 5_000)
    const { $: end, ...fields } = await inspector.hgetall(`${prefix}{k}`)
    expect(fields).toEqual({ owner: 'ann', fence: '1' })
    expect(Number(end) - Date.now()).toBeGreaterThan(4_000)
    for (const [key, most] of [
      ['{k}', 6_000],
      ['{r}', 2_000],
      ['{r}:items', 2_000],
      ['value', 5_000],
    ] as const) {
      const left = await inspector.pttl(prefix + key)
      expect([key, left > 0 && left <= most]).toEqual([key, true])
    }
    await adapter.close()
  })

  it('outlives its end, also where an end that moves a little leaves the expiry as it is', async () => {
    const prefix = ownPrefix()
    const adapter = redisAdapter({ url, prefix })
    const expiries = new Set<number>()
    for (let turn = 0; turn < 100; turn += 1) {
      await adapter.run(acquire, '{k}', { owner: 'ann', leaseMs: 5_000 + 5 * turn })
      const expiry = await inspector.pexpiretime(`${prefix}{k}`)
      const slack = expiry - Number(await inspector.hget(`${prefix}{k}`, '$'))
      expect([turn, slack, slack > 400 && slack < 1_100]).toEqual([turn, slack, true])
      expiries.add(expiry)
    }
    expect(expiries.size).toBeLessThan(50)
    await adapter.close()
  })

  it('is nothing in database 0 where the url names a database that there is not: every call fails, and says so', async () => {
    const prefix = ownPrefix()
    const nowhere = new URL(url)
    nowhere.pathname = '/99999'
    const adapter = redisAdapter({ url: nowhere.href, prefix, timeoutMs: 5_000 })
    for (let call = 0; call < 3; call += 1) {
      const set = adapter.set('value', Buffer.from('v'), 60_000)
      await expect(set).rejects.toThrow('Redis could not run value.set on "value": ERR DB index is out of range')
    }
    expect(await inspector.exists(`${prefix}value`)).toBe(0)
    await adapter.close()
  })

  it('holds no state that ended, and none after a ttl that is over', async () => {
    const prefix = ownPrefix()
    const adapter = redisAdapter({ url, prefix })
    await adapter.run(acquire, '{k}', { owner: 'ann', leaseMs: 0 })
    expect(await inspector.exists(`${prefix}{k}`)).toBe(0)
    await adapter.close()
  })
})

describe('scripts', () => {
  async function commandsDuring(prefix: string, work: () => Promise<unknown>): Promise<string[]> {
    const counter = await commandCounter(url, prefix)
    await work()
    const commands = await counter.take()
    counter.stop()
    return commands
  }

  it('take one command a step', async () => {
    const prefix = ownPrefix()
    const adapter = redisAdapter({ url, prefix })
    await adapter.run(quota, '{k}', { cost: 1, note: '' })
    const commands = await commandsDuring(prefix, () => adapter.run(quota, '{k}', { cost: 1, note: '' }))
    expect(commands).toEqual(['evalsha'])
    await adapter.close()
  })

  it('go together where they meet: 100 steps of one tick in two commands, and each has its own result', async () => {
    const prefix = ownPrefix()
    const adapter = redisAdapter({ url, prefix })
    await adapter.run(acquire, '{k}', { owner: 'ann', leaseMs: 60_000 })
    let results: { held: boolean; fence: number }[] = []
    const commands = await commandsDuring(prefix, async () => {
      results = await Promise.all(
        Array.from({ length: 100 }, (_, at) => adapter.run(acquire, '{k}', { owner: at % 2 ? 'bob' : 'ann', leaseMs: 60_000 })),
      )
    })
    expect(results.map(({ held }) => held)).toEqual(Array.from({ length: 100 }, (_, at) => at % 2 === 0))
    expect(results.filter(({ held }) => held).map(({ fence }) => fence)).toEqual(Array.from({ length: 50 }, (_, at) => at + 2))
    expect(commands).toEqual(['evalsha', 'evalsha'])
    await adapter.close()
  })

  it('and each has its own keys and arguments, also where it asks what the one before asks', async () => {
    const adapter = redisAdapter({ url, prefix: ownPrefix() })
    const asked = 'xxyyyxyxxx'.split('').map((item, at) => ({ item, key: at % 3 === 0 ? '{r}a' : '{r}b' }))
    const kept = await Promise.all(asked.map(({ item, key }) => adapter.run(ring, key, { item })))
    const expected = asked.map((step, at) => asked.slice(0, at + 1).flatMap(({ item, key }) => (key === step.key ? item : [])))
    expect(kept).toEqual(expected.map((items) => items.join('')))
    await adapter.close()
  })

  it('and what a step does to its arguments is not seen by the next, which asks the same', async () => {
    const adapter = redisAdapter({ url, prefix: ownPrefix() })
    const careless = defineOperation<undefined, undefined, number>({
      name: 'test.careless',
      step: () => ({ result: 1 }),
      lua: `
        local given = tonumber(ARGV[1])
        ARGV[1] = given + 1
        return { given }
      `,
      encode: () => [1],
      decode: ([given]) => Number(given),
    })
    const given = ['{r}a', '{r}b', '{r}c'].map((key) => adapter.run(careless, key, undefined))
    expect(await Promise.all(given)).toEqual([1, 1, 1])
    await adapter.close()
  })

  it('and a step that fails after it has written leaves no key without an end', async () => {
    const prefix = ownPrefix()
    const adapter = redisAdapter({ url, prefix })
    const failing = defineOperation<undefined, undefined, undefined>({
      name: 'test.failing',
      step: () => ({ result: undefined }),
      lua: `
        update(5000, 'field', 'value')
        error('on purpose')
      `,
      encode: () => [],
      decode: () => undefined,
    })
    await expect(adapter.run(failing, '{f}', undefined)).rejects.toThrow('on purpose')
    expect(await inspector.pttl(`${prefix}{f}`)).toBeGreaterThan(0)
    await adapter.close()
  })

  it('and reads of one tick take a few writes to the socket', async () => {
    const proxy = await startProxy(Number(new URL(url).port))
    const adapter = redisAdapter({ url: proxy.url, prefix: ownPrefix() })
    await adapter.get('v')
    const before = proxy.writes
    await Promise.all(Array.from({ length: 32 }, () => adapter.get('v')))
    expect(proxy.writes - before).toBeLessThanOrEqual(4)
    await adapter.close()
    await proxy.stop()
  })

  it('and lists of keys go together in one MGET each that are asked for at once, and each has its own values', async () => {
    const prefix = ownPrefix()
    const adapter = redisAdapter({ url, prefix })
    const names = Array.from({ length: 40 }, (_, at) => `v${at}`)
    for (const name of names) await adapter.set(name, Buffer.from(name), 60_000)
    const lists = names.map((name, at) => [name, 'none', ...names.slice(0, at % 3)])
    const found: (string | undefined)[][] = []
    const commands = await commandsDuring(prefix, async () => {
      for (const values of await Promise.all(lists.map((list) => adapter.getMany(list))))
        found.push(values.map((value) => value && Buffer.from(value).toString()))
    })
    expect(found).toEqual(lists.map((list) => list.map((name) => (name === 'none' ? undefined : name))))
    expect(commands).toEqual(['mget', 'mget', 'mget'])
    await adapter.close()
  })

  it('that Redis has forgotten are sent once, while 100 steps wait for it', async () => {
    const prefix = ownPrefix()
    const adapter = redisAdapter({ url, prefix })
    await adapter.run(acquire, '{k}', { owner: 'ann', leaseMs: 60_000 })
    let fences: number[] = []
    const commands = await commandsDuring(prefix, async () => {
      await inspector.script('FLUSH')
      const steps = Array.from({ length: 100 }, () => adapter.run(acquire, '{k}', { owner: 'ann', leaseMs: 60_000 }))
      fences = (await Promise.all(steps)).map(({ fence }) => fence)
    })
    expect([...fences].sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, index) => index + 2))
    expect(commands.filter((name) => name === 'eval').length).toBeLessThanOrEqual(2)
    expect(commands.filter((name) => name === 'evalsha').length).toBeLessThanOrEqual(200)
    await adapter.close()
  })
})

describe('clients', () => {
  it('that were given are left open, without a listener', async () => {
    const client = new Redis(url)
    const listeners = () => client.eventNames().map((name) => [name, client.listenerCount(name)])
    const before = listeners()
    const adapter = redisAdapter({ client, prefix: ownPrefix() })
    await adapter.run(acquire, '{k}', { owner: 'ann', leaseMs: 1 })
    await adapter.events.subscribe('channel', () => {})
    await adapter.close()
    expect(await client.ping()).toBe('PONG')
    expect(listeners()).toEqual(before)
    client.disconnect()
  })

  it('that decode strings as bytes are scanned to the end', async () => {
    const client = createClient({ url, commandOptions: { typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } } })
    await client.connect()
    const adapter = redisAdapter({ client, prefix: ownPrefix() })
    await adapter.set('value', Buffer.from('v'), 60_000)
    for await (const key of adapter.scan('')) expect(key).toBe('value')
    client.destroy()
  })

  it('of two prefixes see nothing of each other', async () => {
    const [a, b] = [redisAdapter({ url, prefix: ownPrefix() }), redisAdapter({ url, prefix: ownPrefix() })]
    await a.run(acquire, '{k}', { owner: 'ann', leaseMs: 60_000 })
    await a.set('value', Buffer.from('v'), 60_000)
    expect(await b.run(acquire, '{k}', { owner: 'bob', leaseMs: 60_000 })).toEqual({ held: true, fence: 1 })
    expect(await b.get('value')).toBeUndefined()
    await Promise.all([a.close(), b.close()])
  })
})

describe('options', () => {
  const bad: [string, unknown, RegExp][] = [
    ['neither client nor url', {}, /either a client or a url/],
    [
      'an option of another library',
      { url, keyPrefix: 'app:' },
      /^Unknown option "keyPrefix" of redisAdapter: there are client, url,/,
    ],
    ['a client in place of options', inspector, /redisAdapter\(\{ client \}\)/],
    ['nothing', undefined, /^The options of redisAdapter must be an object, got undefined/],
    [
      'a url in place of options',
      'redis://user:secret@localhost',
      /^The options of redisAdapter must be an object, got a string$/,
    ],
    ['milliseconds as a text', { url, timeoutMs: '500' }, /^timeoutMs must be .* got "500"/],
    ['both', { url, client: inspector }, /either a client or a url/],
    ['a client of another kind', { client: {} }, /ioredis 5 or 6/],
    ['a pool of node-redis', { client: createClientPool({ url }) }, /a client or cluster of node-redis 5 or 6$/],
    [
      'a sentinel of node-redis',
      { client: createSentinel({ name: 'main', sentinelRootNodes: [{ host: '127.0.0.1', port: 1 }] }) },
      /sentinel of node-redis.*give redisAdapter an ioredis client/,
    ],
    [
      'a Cluster of ioredis that reads from replicas',
      { client: new Cluster([url], { lazyConnect: true, scaleReads: 'slave' }) },
      /reads from replicas.*without 'scaleReads'$/,
    ],
    [
      'a cluster of node-redis that reads from replicas',
      { client: createCluster({ rootNodes: [{ url }], useReplicas: true }) },
      /reads from replicas.*without 'useReplicas'$/,
    ],
    [
      'a cluster of node-redis 5 that reads from replicas',
      { client: createCluster5({ rootNodes: [{ url }], useReplicas: true }) },
      /reads from replicas.*without 'useReplicas'$/,
    ],
    ['a url of another kind', { url: 'http://user:secret@localhost' }, /redis:\/\/ or rediss:\/\/, got "http:\/\/…@localhost"/],
    ['no url', { url: 6379 }, /^url must be a string, got 6379$/],
    ['a port that is none', { url: 'redis://localhost:99999' }, /^url cannot be read: .*got "redis:\/\/localhost:99999"$/],
    ['a password that is not encoded', { url: 'redis://:pass/word@localhost' }, /%2F for \/.*got "redis:\/\/…@localhost"$/],
    ['a database that has no number', { url: 'redis://localhost/shop' }, /^url must name a database by its number/],
    ['a path of a socket', { url: 'redis:///var/run/redis.sock' }, /^url must name a database by its number/],
    ['a database in the query that has no number', { url: 'redis://localhost?db=shop' }, /^url must name a database/],
    ['a timeout of 0', { url, timeoutMs: 0 }, /from 1 to 2147483647, got 0/],
    ['a prefix that is no text', { url, prefix: 1 }, /prefix must be a string, got 1/],
  ]
  it.each(bad)('refuses %s, and says what is allowed', (_name, options, message) => {
    expect(() => Reflect.apply(redisAdapter, undefined, [options])).toThrow(message)
  })
})
