import {
  ownPrefix,
  type RedisCluster,
  type RedisSentinel,
  type RedisServer,
  sharedClusterNodes,
  startRedisCluster,
  startRedisServer,
  startSentinel,
} from '@holdfast/test/redis'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { Cluster, Redis } from 'ioredis'

describe('startRedisServer', () => {
  it('keeps its settings and, but for a crash, what it holds; answers LOADING for a while', async () => {
    const server = await startRedisServer('--maxmemory', '50mb')
    await server.command('SET', 'k', 'v')
    await server.restart(150)
    await expect(server.command('GET', 'k')).rejects.toThrow(/^LOADING /)
    await server.ready()
    expect(await server.command('GET', 'k')).toBe('v')
    await server.kill()
    await server.start()
    expect(await server.command('GET', 'k')).toBeNull()
    expect(await server.command('CONFIG', 'GET', 'maxmemory')).toEqual(['maxmemory', String(50 * 2 ** 20)])
    await server.stop()
  })
})

// In real time: servers find out by themselves that another is gone.
describe('startRedisCluster', () => {
  let cluster: RedisCluster
  beforeAll(async () => {
    cluster = await startRedisCluster({ replicasPerMaster: 1 })
  })
  afterAll(() => cluster.stop())

  /** The master of a slot, and one that is not. */
  async function mastersFor(key: string): Promise<[RedisServer, RedisServer]> {
    const from = await cluster.masterOf(key)
    const to = (await cluster.masters()).find((each) => each !== from)
    return [from, to ?? from]
  }

  it('has three masters, each with a replica and its share of the slots', async () => {
    expect(await cluster.masters()).toEqual(cluster.nodes.slice(0, 3))
    for (const master of await cluster.masters()) expect(await cluster.replicasOf(master)).toHaveLength(1)
    expect(await cluster.masterOf(0)).toBe(cluster.nodes[0])
    expect(await cluster.masterOf(16_383)).toBe(cluster.nodes[2])
  })

  it('holds a slot in the middle of its move, then moves it with its keys', async () => {
    const [from, to] = await mastersFor('{k}')
    for (const key of ['{k}1', '{k}2']) await from.command('SET', key, key)
    const move = await cluster.beginMove(await cluster.slotOf('{k}'), to)
    await move.migrate('{k}1')
    await expect(from.command('GET', '{k}1')).rejects.toThrow(/^ASK /)
    await expect(from.command('MGET', '{k}1', '{k}2')).rejects.toThrow(/^TRYAGAIN /)
    await move.finish()
    await expect(from.command('GET', '{k}1')).rejects.toThrow(`:${to.port}`)
    expect(await to.command('MGET', '{k}1', '{k}2')).toEqual(['{k}1', '{k}2'])
    expect(await cluster.masterOf('{k}')).toBe(to)
  })

  it('fails over to the replica of a master that dies, and takes that one back as a replica', async () => {
    const [master] = await mastersFor('a')
    const replica = await cluster.failover(master)
    await replica.command('SET', 'a', '1')
    await master.start()
    await cluster.settled()
    expect(await cluster.replicasOf(replica)).toEqual([master])
  })

  it('demotes a master that stays up', async () => {
    const [master] = await mastersFor('b')
    const next = await cluster.demote(master)
    expect(await cluster.masterOf('b')).toBe(next)
    await expect(master.command('SET', 'b', '1')).rejects.toThrow(`:${next.port}`)
  })
})

describe('sharedClusterNodes', () => {
  it('are the same for all who ask', async () => {
    const [nodes, others] = await Promise.all([sharedClusterNodes(), sharedClusterNodes()])
    expect(nodes).toEqual(others)
    const client = new Cluster(nodes)
    const keys = ['a', 'b', 'c'].map((key) => ownPrefix() + key)
    expect(await Promise.all(keys.map((key) => client.set(key, key, 'PX', 10_000)))).toEqual(['OK', 'OK', 'OK'])
    client.disconnect()
  })
})

describe('startSentinel', () => {
  let redis: RedisSentinel
  beforeAll(async () => {
    redis = await startSentinel()
  })
  afterAll(() => redis.stop())

  it('demotes a master that stays up, and fails over when the next one dies', async () => {
    const { name, sentinels } = redis
    const client = new Redis({ name, sentinels: sentinels.map(({ host, port }) => ({ host, port })) })
    await client.set('k', 'v')
    client.disconnect()
    const [first] = redis.nodes
    const second = await redis.demote()
    await expect(first?.command('SET', 'k', 'v')).rejects.toThrow(/^READONLY /)
    expect(await redis.failover()).toBe(first)
    expect(await redis.master()).toBe(first)
    expect(second.isLive).toBe(false)
    expect(await first?.command('GET', 'k')).toBe('v')
    await redis.rejoin(second)
    await expect(second.command('SET', 'k', 'v')).rejects.toThrow(/^READONLY /)
  })
})
