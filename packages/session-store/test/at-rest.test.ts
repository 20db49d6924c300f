import { once } from 'node:events'
import { type Adapter, AdapterUnavailableError } from '@holdfast/adapter'
import { memoryAdapter } from '@holdfast/adapter/memory'
import { redisAdapter } from '@holdfast/adapter/redis'
import { sessionStore } from '@holdfast/session-store/express'
import { eachAdapter } from '@holdfast/test/adapters'
import { ownPrefix, sharedRedisUrl } from '@holdfast/test/redis'
import { afterAll, afterEach, expect, it } from '@jest/globals'
import { Redis } from 'ioredis'
import { type Act, browser, closeServers, eachStage, type Fields, gate, type StoreOptions } from './stage.ts'

closeServers()

const url = sharedRedisUrl()
const redis = new Redis(url)
afterAll(() => redis.disconnect())
const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

const SECRET = 'a secret of at least 16'
const NEWER = 'another one of at least 16'

function shared(prefix = ownPrefix()) {
  const adapter = redisAdapter({ url, prefix, timeoutMs: 10_000 })
  closing.push(() => adapter.close())
  return { adapter, prefix }
}

/** All that Redis holds of a test, keys and values. */
async function allOf(prefix: string): Promise<string> {
  const keys = await redis.keys(`${prefix}*`)
  const values = await Promise.all(
    keys.map(async (key) => ((await redis.type(key)) === 'hash' ? JSON.stringify(await redis.hgetall(key)) : redis.get(key))),
  )
  return [...keys, ...values].join('\n')
}

function idIn({ body }: { body: unknown }): string {
  return (body as { id: string }).id
}

async function keysOf(adapter: Adapter): Promise<string[]> {
  const keys: string[] = []
  for await (const key of adapter.scan('')) keys.push(key)
  return keys
}

eachStage((stage) => {
  const act: Act = async (visit) => {
    const { path, session } = visit
    if (path === '/out') return visit.logOut()
    if (path.startsWith('/in')) session['user'] = path.slice(4)
    if (path === '/note') session['note'] = `private ${Math.random()}`
    if (path === '/regenerate') {
      const { user } = session
      await visit.regenerate()
      visit.session['user'] = user
    }
    return { id: visit.id, ...visit.session }
  }

  function serve(adapter: StoreOptions['adapter'], options: Partial<StoreOptions> = {}) {
    return stage.serve({ adapter, ...options }, act)
  }

  it('keeps no session id with hashIds: in no key, in no value, not after a regenerate with its grace', async () => {
    const { adapter, prefix } = shared()
    const options = { hashIds: SECRET, user: ({ user }: Fields) => user as string, regenerateGraceMs: 60_000 }
    const app = await serve(adapter, options)
    const client = browser()
    const ids: string[] = []
    for (const path of ['/in/ann', '/regenerate', '/']) ids.push(idIn(await client.get(app.url + path)))
    const stored = await allOf(prefix)
    expect(stored).toContain('ann')
    for (const id of ids) expect(stored).not.toContain(id)
    expect((await client.get(`${app.url}/`)).body).toMatchObject({ user: 'ann' })
  })

  eachAdapter((makeAdapter) => {
    it('takes plain records over by names without their ids, through a regenerate, and until a log-out', async () => {
      const adapter = makeAdapter()
      const [plain, hashed] = [await serve(adapter), await serve(adapter, { hashIds: SECRET, regenerateGraceMs: 60_000 })]
      const client = browser()
      const first = idIn(await client.get(`${plain.url}/in/ann`))
      expect(await keysOf(adapter)).toEqual([expect.stringContaining(first)])
      const before = client.copy()

      expect((await client.get(`${hashed.url}/note`)).body).toMatchObject({ id: first, user: 'ann' })
      expect(await keysOf(adapter)).toEqual([expect.not.stringContaining(first)])

      const second = idIn(await client.get(`${hashed.url}/regenerate`))
      expect((await before.get(`${hashed.url}/`)).body).toMatchObject({ id: second, user: 'ann' })
      const keys = await keysOf(adapter)
      expect(keys).toHaveLength(2)
      for (const id of [first, second]) expect(keys.join('\n')).not.toContain(id)

      await client.get(`${hashed.url}/out`)
      for (const each of [client, before]) expect((await each.get(`${hashed.url}/`)).body).not.toHaveProperty('user')
    })
  })

  it('keeps nothing legible with encryptionKeys', async () => {
    const { adapter, prefix } = shared()
    const app = await serve(adapter, { encryptionKeys: [SECRET], user: ({ user }) => String(user), describe: () => 'a phone' })
    const client = browser()
    await client.get(`${app.url}/in/ann`)
    await client.get(`${app.url}/note`)
    const stored = await allOf(prefix)
    for (const text of ['private', 'a phone']) expect(stored).not.toContain(text)
    expect((await client.get(`${app.url}/`)).body).toMatchObject({ user: 'ann', note: expect.stringContaining('private') })
    expect(await app.store.sessionsOf('ann')).toMatchObject([{ description: 'a phone' }])
  })

  it('rejects a record that was put in the place of another one', async () => {
    const { adapter, prefix } = shared()
    const app = await serve(adapter, { encryptionKeys: [SECRET] })
    const [ann, bob] = [browser(), browser()]
    await ann.get(`${app.url}/in/ann`)
    const [annsKey = ''] = await redis.keys(`${prefix}*`)
    await bob.get(`${app.url}/in/bob`)
    const [bobsKey = ''] = (await redis.keys(`${prefix}*`)).filter((key) => key !== annsKey)
    await redis.copy(annsKey, bobsKey, 'REPLACE')
    const corrupt = once(app.store, 'corrupt')
    expect((await bob.get(`${app.url}/`)).body).not.toHaveProperty('user')
    expect(await corrupt).toEqual([
      { type: 'corrupt', id: expect.any(String), error: expect.objectContaining({ message: expect.any(String) }) },
    ])
    expect((await ann.get(`${app.url}/`)).body).toMatchObject({ user: 'ann' })
  })

  it('takes over plain records, and rotates its keys, without logging anyone out', async () => {
    const { adapter, prefix } = shared()
    const steps: Partial<StoreOptions>[] = [
      {},
      { encryptionKeys: [SECRET] },
      { encryptionKeys: [NEWER, SECRET] },
      { encryptionKeys: [NEWER], hashIds: SECRET },
    ]
    const client = browser()
    for (const [at, options] of steps.entries()) {
      const app = await serve(adapter, options)
      await client.get(app.url + (at === 0 ? '/in/ann' : '/note'))
      expect((await client.get(`${app.url}/`)).body).toMatchObject({ user: 'ann' })
      // A write is by the newest key.
      const again = await serve(adapter, { ...options, encryptionKeys: options.encryptionKeys?.slice(0, 1) ?? [SECRET] })
      expect((await client.get(`${again.url}/note`)).body).toMatchObject({ user: 'ann' })
    }
    expect(await redis.keys(`${prefix}*`)).toHaveLength(1)
    const last = await serve(adapter, { encryptionKeys: [NEWER], hashIds: SECRET })
    expect((await client.get(`${last.url}/`)).body).toMatchObject({ user: 'ann' })
  })

  it('leaves no plain record behind, and lets none that was logged out come back, while ids are hashed', async () => {
    const { adapter, prefix } = shared()
    const [plain, hashed] = [await serve(adapter), await serve(adapter, { hashIds: SECRET })]
    const client = browser()
    await client.get(`${plain.url}/in/ann`)
    const old = client.copy()
    await client.get(`${hashed.url}/out`)
    expect(await redis.keys(`${prefix}*`)).toEqual([])
    expect((await old.get(`${hashed.url}/`)).body).not.toHaveProperty('user')
  })

  it('stores nothing of a request that was in flight while a plain record was logged out, and keeps what was written to it', async () => {
    const { adapter, prefix } = shared()
    let inFlight = gate()
    const plain = await serve(adapter)
    const hashed = await stage.serve({ adapter, hashIds: SECRET }, async (visit) => {
      visit.session['late'] = true
      await inFlight.pass()
      return act(visit)
    })
    for (const path of ['/note', '/out']) {
      inFlight = gate()
      const client = browser()
      await client.get(`${plain.url}/in/ann`)
      const slow = client.copy().get(`${hashed.url}/`)
      await inFlight.reached
      await client.get(plain.url + path)
      inFlight.open()
      await slow
      const [key, ...others] = await redis.keys(`${prefix}*`)
      expect(others).toEqual([])
      if (path === '/out') expect(key).toBeUndefined()
      else expect(await redis.getdel(key ?? '')).toMatch(/"user":"ann".*private/)
    }
  })

  it('ends a plain record that is on the list', async () => {
    const { adapter } = shared()
    const options = { hashIds: SECRET, user: ({ user }: Fields) => user as string }
    const [plain, hashed] = [await serve(adapter), await serve(adapter, options)]
    const client = browser()
    await client.get(`${plain.url}/in/ann`)
    const id = idIn(await client.get(`${hashed.url}/`))
    expect(await hashed.store.destroyOf('ann', hashed.store.idOf(id))).toBe(true)
    expect((await client.get(`${hashed.url}/`)).body).not.toHaveProperty('user')
  })
})

it('gives no session by the name under which it is stored: whoever has read keys has read no ids', async () => {
  const { adapter, prefix } = shared()
  const store = sessionStore({ adapter, hashIds: SECRET })
  await store.set('id', { cookie: { originalMaxAge: null }, user: 'ann' })
  const [key = ''] = await redis.keys(`${prefix}*`)
  const name = key.slice(`${prefix}sess:`.length)
  expect(await store.ids()).toEqual([name])
  expect(await store.get('id')).toMatchObject({ user: 'ann' })
  expect(await store.get(name)).toBeUndefined()
})

it('leaves no plain record that would be the session again, where a log-out ends half-way', async () => {
  const memory = memoryAdapter()
  let left = Infinity
  const adapter: Adapter = {
    ...memory,
    run: async (...call) => {
      left -= 1
      if (left < 0) throw new Error('The process has ended')
      return memory.run(...call)
    },
  }
  const hashed = sessionStore({ adapter, hashIds: SECRET })
  for (const store of [sessionStore({ adapter }), hashed])
    await store.set('id', { cookie: { originalMaxAge: null }, user: 'ann' })
  left = 1
  await expect(hashed.destroy('id')).rejects.toThrow('The process has ended')
  left = Infinity
  expect(await sessionStore({ adapter }).get('id')).toBeUndefined()
  expect(await hashed.get('id')).toMatchObject({ user: 'ann' })
  await hashed.destroy('id')
  expect(await hashed.get('id')).toBeUndefined()
})

it('finds a session under its hashed name though the master that would have the plain one is down', async () => {
  const memory = memoryAdapter()
  const adapter: Adapter = {
    ...memory,
    run: async (operation, key, ...rest) => {
      if (key === 'sess:id') throw new AdapterUnavailableError('Redis does not answer')
      return memory.run(operation, key, ...rest)
    },
  }
  const store = sessionStore({ adapter, hashIds: SECRET })
  await store.set('id', { cookie: { originalMaxAge: null }, user: 'ann' })
  expect(await store.get('id')).toMatchObject({ user: 'ann' })
  await expect(sessionStore({ adapter, hashIds: NEWER }).get('id')).rejects.toMatchObject({ status: 503 })
})

it('finds a session that another request takes over between the looks under its two names', async () => {
  const memory = memoryAdapter()
  const hashed = sessionStore({ adapter: memory, hashIds: SECRET })
  await sessionStore({ adapter: memory }).set('id', { cookie: { originalMaxAge: null }, user: 'ann' })
  let looks = 0
  const reader: Adapter = {
    ...memory,
    run: async (operation, key, ...rest) => {
      looks += 1
      if (looks === 2) {
        const session = await hashed.get('id')
        await hashed.set('id', Object.assign(session ?? {}, { cookie: { originalMaxAge: null }, taken: 'over' }))
      }
      return memory.run(operation, key, ...rest)
    },
  }
  expect(await sessionStore({ adapter: reader, hashIds: SECRET }).get('id')).toMatchObject({ user: 'ann', taken: 'over' })
})
