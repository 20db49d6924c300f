import { once } from 'node:events'
import { redisAdapter } from '@holdfast/adapter/redis'
import { sessionStore } from '@holdfast/session-store/express'
import { type CommandCounter, commandCounter, ownPrefix, sharedClusterNodes, sharedRedisUrl } from '@holdfast/test/redis'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { Cluster, Redis } from 'ioredis'
import { type Act, type Browser, browser, closeServers, eachStage, type StoreOptions } from './stage.ts'

closeServers()

const url = sharedRedisUrl()
const prefix = ownPrefix()
const adapter = redisAdapter({ url, prefix, timeoutMs: 10_000 })
let counter: CommandCounter
let cluster: Awaited<ReturnType<typeof countedCluster>>
beforeAll(async () => {
  counter = await commandCounter(url, prefix)
  cluster = await countedCluster()
}, 60_000)
afterAll(async () => {
  counter.stop()
  await cluster.close()
  await adapter.close()
})

const SECRET = 'a secret of at least 16'

/** A Cluster whose masters all know the script of reads and writes, and what is sent to any of them. */
async function countedCluster() {
  const nodes = await sharedClusterNodes()
  const client = new Cluster(nodes)
  await once(client, 'ready')
  const adapter = redisAdapter({ client, prefix, timeoutMs: 10_000 })
  const store = sessionStore({ adapter })
  for (const onEach of ['{a}', '{b}', '{c}']) {
    await store.set(onEach, { cookie: { originalMaxAge: null } })
    await store.get(onEach)
  }
  const counters = await Promise.all(nodes.map(({ host, port }) => commandCounter(`redis://${host}:${port}`, prefix)))
  return {
    adapter,
    take: async () => (await Promise.all(counters.map((each) => each.take()))).flat(),
    async close() {
      for (const each of counters) each.stop()
      await adapter.close()
      client.disconnect()
    },
  }
}

eachStage((stage) => {
  /** An app whose scripts Redis has seen. */
  async function app(options: Partial<StoreOptions>, settings: Parameters<typeof stage.serve>[2] = {}) {
    const act: Act = async (visit) => {
      if (visit.path === '/regenerate') await visit.regenerate()
      if (visit.path === '/out') return visit.logOut()
      if (visit.path === '/update') return visit.update((session) => Object.assign(session, { updated: Math.random() }))
      if (visit.path !== '/' && visit.path !== '/anonymous') visit.session['n'] = Number(visit.session['n'] ?? 0) + 1
      if (visit.path === '/in') visit.session['user'] = `ann ${stage.name}`
      return visit.session
    }
    const { url: base } = await stage.serve({ adapter, ...options }, act, settings)
    const user = browser()
    for (const path of ['/in', '/', '/write', '/out', '/in']) await user.get(base + path)
    await counter.take()
    return { base, user }
  }

  async function commandsOf(request: Promise<{ status: number }>): Promise<string[]> {
    expect((await request).status).toBe(200)
    return counter.take()
  }

  it('sends one command for a request that reads, two for one that writes, none for one without a session', async () => {
    const { base, user } = await app({})
    expect(await commandsOf(user.get(`${base}/`))).toEqual(['evalsha'])
    for (const path of ['/write', '/update']) expect(await commandsOf(user.get(base + path))).toEqual(['evalsha', 'evalsha'])
    expect(await commandsOf(browser().get(`${base}/anonymous`))).toEqual([])
    const forged = browser(
      [...user.cookies].reduce((all, [name, value]) => all.set(name, `${value}x`), new Map<string, string>()),
    )
    expect(await commandsOf(forged.get(`${base}/anonymous`))).toEqual([])
    expect(await commandsOf(browser().get(`${base}/write`))).toEqual(['evalsha'])
    expect(await commandsOf(user.get(`${base}/out`))).toEqual(['evalsha', 'evalsha'])
  })

  it('sends no more where every response prolongs the session', async () => {
    const { base, user } = await app({}, { express: { rolling: true, resave: true }, koa: { rolling: true } })
    expect(await commandsOf(user.get(`${base}/`))).toEqual(['evalsha'])
    expect(await commandsOf(user.get(`${base}/write`))).toEqual(['evalsha', 'evalsha'])
  })

  it('sends one more where the list of the user is kept', async () => {
    const { base, user } = await app({ user: ({ user }) => user as string })
    expect(await commandsOf(user.get(`${base}/`))).toEqual(['evalsha', 'evalsha'])
    expect(await commandsOf(user.get(`${base}/write`))).toEqual(['evalsha', 'evalsha', 'evalsha'])
    expect(await commandsOf(browser().get(`${base}/in`))).toEqual(['evalsha', 'evalsha'])
  })

  it('sends as many with hashed ids and encryption, and one more by the write that takes a plain record over', async () => {
    const { base: plain, user } = await app({})
    const { base } = await app({ hashIds: SECRET, encryptionKeys: [SECRET] })
    expect(await commandsOf(user.get(`${base}/`))).toEqual(['evalsha'])
    expect(await commandsOf(user.get(`${base}/write`))).toEqual(['evalsha', 'evalsha', 'evalsha'])
    expect(await commandsOf(user.get(`${base}/`))).toEqual(['evalsha'])
    expect(await commandsOf(user.get(`${base}/write`))).toEqual(['evalsha', 'evalsha'])
    expect((await user.get(`${plain}/`)).body).not.toHaveProperty('user')
  })

  it('sends one more where ttlMs is a function, which Redis cannot ask', async () => {
    const { base, user } = await app({ ttlMs: () => 60_000 })
    const isExpress = stage.name === 'express-session'
    expect(await commandsOf(user.get(`${base}/`))).toEqual(isExpress ? ['evalsha', 'evalsha'] : ['evalsha'])
    expect(await commandsOf(user.get(`${base}/write`))).toEqual(['evalsha', 'evalsha'])
  })

  it('sends as many on a Cluster, also with hashed ids: both names of a session are in one slot', async () => {
    const { base: plain, user } = await app({ adapter: cluster.adapter })
    const { base: listed, user: ann } = await app({ adapter: cluster.adapter, user: ({ user }) => user as string })
    const { base: hashed } = await app({ adapter: cluster.adapter, hashIds: SECRET })

    async function counted(client: Browser, url: string): Promise<number> {
      await cluster.take()
      expect((await client.get(url)).status).toBe(200)
      const commands = await cluster.take()
      expect(commands.filter((name) => name !== 'evalsha')).toEqual([])
      return commands.length
    }
    expect([await counted(user, `${plain}/`), await counted(user, `${plain}/write`)]).toEqual([1, 2])
    expect([await counted(ann, `${listed}/`), await counted(ann, `${listed}/write`)]).toEqual([2, 3])
    expect([await counted(user, `${hashed}/`), await counted(user, `${hashed}/write`)]).toEqual([1, 3])
    expect([await counted(user, `${hashed}/`), await counted(user, `${hashed}/write`)]).toEqual([1, 2])
  })
})

it('needs of Redis what the adapter needs, and for lists of users HGETALL and HDEL', async () => {
  const inspector = new Redis(url)
  const own = ownPrefix()
  const user = own.slice(0, -1)
  const scripts = '+time +hmget +hset +hlen +del +pexpire +set +strlen +publish +pttl +hgetall +hdel'
  const rights = `+evalsha +eval +get +mget +scan +hello +info +client ${scripts}`.split(' ')
  await inspector.call('ACL', 'SETUSER', user, 'on', '>secret', `~${own}*`, `&${own}*`, ...rights)
  const limited = redisAdapter({ url: url.replace('//', `//${user}:secret@`), prefix: own, timeoutMs: 10_000 })
  try {
    const options = { maxPerUser: 2, regenerateGraceMs: 1_000, hashIds: SECRET }
    const store = sessionStore({ adapter: limited, user: (each) => ('user' in each ? String(each.user) : undefined), ...options })
    for (const id of ['a', 'b', 'c']) await store.set(id, Object.assign({ cookie: { originalMaxAge: 1_000 } }, { user: 'ann' }))
    const [one, other] = [await store.get('c'), await store.get('c')]
    if (one === undefined || other === undefined) throw new Error('It is there')
    await store.set('c', Object.assign(one, { one: 1 }))
    await store.set('c', Object.assign(other, { other: 1 }))
    await store.touch('c', one)
    expect(await store.all()).toHaveLength(2)
    await store.destroy('b')
    expect(await store.sessionsOf('ann')).toHaveLength(1)
    expect(await store.destroyAllOf('ann')).toBe(1)
    await store.clear()
    expect(await store.length()).toBe(0)
  } finally {
    await limited.close()
    await inspector.call('ACL', 'DELUSER', user)
    inspector.disconnect()
  }
})
