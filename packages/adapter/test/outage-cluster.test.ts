import type { Adapter } from '@holdfast/adapter'
import { redisAdapter } from '@holdfast/adapter/redis'
import { ownPrefix, type RedisCluster, type RedisServer, startRedisCluster } from '@holdfast/test/redis'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { clusters } from './clients.ts'
import { atEnd, ending, fence, firstSuccess, meanwhile, timeout, unavailable } from './outage-stage.ts'
import { ring } from './sample-operations.ts'

// In real time: failovers take some seconds.
const TYPED = [timeout.code, unavailable.code]
const names = Object.entries(clusters).filter(([name]) => !/keyPrefix|numbers as strings/.test(name))

let cluster: RedisCluster
beforeAll(async () => {
  cluster = await startRedisCluster({ replicasPerMaster: 1, settings: ['--cluster-require-full-coverage', 'no'] })
}, 60_000)
afterAll(() => cluster.stop())

/** Keys of which each is on another master, the first on the one that a test breaks. */
async function keysByMaster(prefix: string): Promise<{ key: string; master: RedisServer }[]> {
  const found = new Map<RedisServer, string>()
  for (let at = 0; found.size < 3; at += 1) {
    const master = await cluster.masterOf(`${prefix}{${at}}`)
    if (!found.has(master)) found.set(master, `{${at}}`)
  }
  return [...found].map(([master, key]) => ({ master, key }))
}

describe.each(names)('by %s', (_name, makeClient) => {
  async function open(): Promise<{ adapter: Adapter; prefix: string }> {
    const prefix = ownPrefix()
    const made = makeClient(cluster.nodes)
    await made.connected
    const adapter = redisAdapter({ client: made.client, prefix, timeoutMs: 200 })
    atEnd(async () => {
      await adapter.close()
      made.close()
    })
    return { adapter, prefix }
  }

  it('keeps a frozen master’s calls to their deadline, and all others as they were', async () => {
    const { adapter, prefix } = await open()
    const [broken, ...others] = await keysByMaster(prefix)
    if (broken === undefined) throw new Error('no masters')
    for (const { key } of [broken, ...others]) await firstSuccess(() => fence(adapter, key))
    broken.master.freeze()
    atEnd(() => broken.master.thaw())
    const first = ending(fence(adapter, broken.key))
    for (const { key } of others) expect((await ending(fence(adapter, key))).error).toBeUndefined()
    expect(await first).toMatchObject({ error: { code: timeout.code } })
    for (let round = 0; round < 10; round += 1) {
      const refused = await ending(fence(adapter, broken.key))
      expect(refused).toMatchObject({ error: { code: unavailable.code, retryAfterMs: expect.any(Number) } })
      expect(refused.afterMs).toBeLessThan(50)
      for (const { key } of others) expect((await ending(fence(adapter, key))).error).toBeUndefined()
    }
    broken.master.thaw()
    expect(await firstSuccess(() => fence(adapter, broken.key))).toBeLessThan(1_000)
    await cluster.settled()
  })

  it('reads lists of keys in many slots of a master again that was frozen, whatever else is asked', async () => {
    const { adapter, prefix } = await open()
    const [broken] = await keysByMaster(prefix)
    if (broken === undefined) throw new Error('no masters')
    const keys = Array.from({ length: 50 }, (_, at) => `{${at}}v`)
    await firstSuccess(() => adapter.getMany(keys))
    broken.master.freeze()
    atEnd(() => broken.master.thaw())
    expect(await ending(adapter.getMany(keys))).toMatchObject({ error: { code: timeout.code } })
    expect(await ending(adapter.getMany(keys))).toMatchObject({ error: { code: unavailable.code } })
    broken.master.thaw()
    expect(await firstSuccess(() => adapter.getMany(keys))).toBeLessThan(1_000)
    await cluster.settled()
  })

  it('goes on by a replica when a master dies, and meanwhile by the other masters', async () => {
    const { adapter, prefix } = await open()
    const [broken, ...others] = await keysByMaster(prefix)
    if (broken === undefined) throw new Error('no masters')
    for (const { key } of [broken, ...others]) await firstSuccess(() => fence(adapter, key))
    await meanwhile(cluster.failover(broken.master), async () => {
      const { error, afterMs } = await ending(fence(adapter, broken.key))
      if (error !== undefined) expect(TYPED).toContain(Reflect.get(Object(error), 'code'))
      expect(afterMs).toBeLessThan(250)
      for (const { key } of others) expect((await ending(fence(adapter, key))).error).toBeUndefined()
    })
    expect(await firstSuccess(() => fence(adapter, broken.key))).toBeLessThan(1_000)
    await broken.master.start()
    await cluster.settled()
  }, 60_000)

  it('scans all masters, or says that it could not, while one dies and its replica takes over', async () => {
    const { adapter, prefix } = await open()
    const masters = await keysByMaster(prefix)
    for (const { key } of masters) await firstSuccess(() => fence(adapter, key))
    const [broken] = masters
    if (broken === undefined) throw new Error('no masters')
    async function scanned(): Promise<number> {
      const keys: string[] = []
      for await (const key of adapter.scan('')) keys.push(key)
      return keys.length
    }
    expect(await scanned()).toBe(3)
    for (const replica of await cluster.replicasOf(broken.master)) {
      await firstSuccess(async () => expect(await replica.command('KEYS', `${prefix}*`)).toHaveLength(1))
    }
    await meanwhile(cluster.failover(broken.master), async () => {
      expect([3, ...TYPED]).toContain(await scanned().catch((error: unknown) => Reflect.get(Object(error), 'code')))
    })
    await firstSuccess(async () => expect(await scanned()).toBe(3))
    await broken.master.start()
    await cluster.settled()
  }, 60_000)

  it('follows a slot that moves while calls run, and runs each step once', async () => {
    const { adapter, prefix } = await open()
    await firstSuccess(() => fence(adapter))
    const slot = await cluster.slotOf(`${prefix}{k}`)
    const from = await cluster.masterOf(slot)
    const to = (await cluster.masters()).find((master) => master !== from)
    if (to === undefined) throw new Error('one master only')
    const before = await fence(adapter)
    let succeeded = 0
    let failed = 0
    const over = new AbortController()
    async function call(): Promise<void> {
      const { error } = await ending(fence(adapter))
      if (error === undefined) succeeded += 1
      else failed += 1
    }
    async function calls(): Promise<void> {
      while (!over.signal.aborted) {
        await call()
        await adapter.run(ring, '{k}r', { item: 'x' }).catch(() => {})
      }
    }
    const running = [calls(), calls(), calls()]
    async function furtherCalls(): Promise<void> {
      for (let count = 0; count < 20; count += 1) await call()
    }
    const move = await cluster.beginMove(slot, to)
    await furtherCalls()
    await move.migrate(`${prefix}{k}`)
    await furtherCalls()
    await move.finish()
    await furtherCalls()
    over.abort()
    await Promise.all(running)
    expect(succeeded).toBeGreaterThan(10)
    const ran = (await fence(adapter)) - before - 1
    expect([ran >= succeeded, ran <= succeeded + failed]).toEqual([true, true])
    expect(failed).toBeLessThan(succeeded / 10)
  })

  it('hears messages from every master, on one connection, and of the gap when its node dies', async () => {
    const { adapter, prefix } = await open()
    const keys = await keysByMaster(prefix)
    const heard: string[] = []
    let told = (): void => {}
    const gap = new Promise<void>((resolve) => {
      told = resolve
    })
    for (const channel of ['a', 'b', 'c']) {
      await firstSuccess(() =>
        adapter.events.subscribe(channel, (event) => {
          if (event.type === 'gap') told()
          else heard.push(event.message)
        }),
      )
    }
    const subscribed = await subscribers(prefix)
    expect(subscribed).toHaveLength(1)
    for (const { key } of keys) await firstSuccess(() => adapter.events.publish('a', key))
    await firstSuccess(async () => expect(new Set(heard).size).toBe(3))
    await subscribed[0]?.command('CLIENT', 'KILL', 'TYPE', 'pubsub')
    await gap
    await firstSuccess(() => adapter.events.publish('c', 'after'))
    await firstSuccess(async () => expect(heard).toContain('after'))
  })

  it('loads a script once on each master, however many wait for it', async () => {
    const { adapter } = await open()
    await firstSuccess(() => fence(adapter))
    await Promise.all((await cluster.masters()).map((master) => master.command('SCRIPT', 'FLUSH')))
    const fences = await Promise.all(
      Array.from({ length: 100 }, (_, at) => adapter.run(ring, `{${at}}`, { item: 'x' }, { timeoutMs: 2_000 })),
    )
    expect(fences).toEqual(Array.from({ length: 100 }, () => 'x'))
  })
})

/** The nodes on which somebody has subscribed to a channel with this prefix. */
async function subscribers(prefix: string): Promise<RedisServer[]> {
  const live = cluster.nodes.filter(({ isLive }) => isLive)
  const counts = await Promise.all(live.map((node) => node.command('PUBSUB', 'CHANNELS', `${prefix}*`)))
  return live.filter((_node, at) => Array.isArray(counts[at]) && counts[at].length > 0)
}
