import { once } from 'node:events'
import { createServer } from 'node:http'
import type { Adapter } from '@holdfast/adapter'
import { memoryAdapter } from '@holdfast/adapter/memory'
import { counting, fakeClock } from '@holdfast/adapter/testing'
import { sessionStore } from '@holdfast/session-store/koa'
import { afterEach, expect, it } from '@jest/globals'
import Koa, { type Context } from 'koa'
import koaSession, { type CreateSessionOptions } from 'koa-session'
import { type Act, browser, closeServers, type Fields, gate, serveKoa } from './stage.ts'

closeServers()

const MINUTE_MS = 60_000

const act: Act = async (visit) => {
  if (visit.path === '/write') visit.session['n'] = Number(visit.session['n'] ?? 0) + 1
  if (visit.path === '/save') {
    visit.session['saved'] = true
    await visit.save()
  }
  if (visit.path === '/id') {
    visit.session['n'] = 0
    return visit.id
  }
  if (visit.path === '/age') Reflect.set(visit.session, 'maxAge', 2 * MINUTE_MS)
  return visit.session
}

async function site(settings: CreateSessionOptions = {}, options: Partial<Parameters<typeof sessionStore>[0]> = {}) {
  const clock = fakeClock(Date.now())
  const adapter = counting(memoryAdapter({ now: clock.now }))
  const store = sessionStore({ adapter, ...options })
  return { clock, adapter, store, url: await serveKoa(store, act, { maxAge: MINUTE_MS, ...settings }) }
}

it("keeps a session of the browser's for ttlMs, with maxAge: 'session'", async () => {
  const { url, clock } = await site({ maxAge: 'session' }, { ttlMs: 1_000 })
  const client = browser()
  await client.get(`${url}/write`)
  clock.advance(999)
  expect((await client.get(`${url}/`)).body).toEqual({ n: 1 })
  clock.advance(999)
  expect((await client.get(`${url}/`)).body).toEqual({ n: 1 })
  clock.advance(1_000)
  expect((await client.get(`${url}/`)).body).toEqual({})
})

it('stores what save() and regenerate() are called with, though koa-session says that nothing has changed', async () => {
  const { url } = await site({ rolling: true })
  const client = browser()
  await client.get(`${url}/write`)
  await client.get(`${url}/save`)
  expect((await client.get(`${url}/`)).body).toEqual({ n: 1, saved: true })
})

it('stores another maximum age', async () => {
  const { url, clock } = await site()
  const client = browser()
  await client.get(`${url}/write`)
  await client.get(`${url}/age`)
  clock.advance(2 * MINUTE_MS + 9_000)
  expect((await client.get(`${url}/`)).body).toMatchObject({ n: 1 })
})

it('renews a session past half of its time, and sends one command for all others that only read', async () => {
  const { url, adapter, store } = await site({ renew: true })
  const client = browser()
  const id = String((await client.get(`${url}/id`)).body)
  adapter.reset()
  const read = await client.get(`${url}/`)
  expect([read.cookies, adapter.counts.run]).toEqual([[], 1])
  await store.set(id, { n: 1, _expire: Date.now() + MINUTE_MS / 3, _maxAge: MINUTE_MS }, MINUTE_MS)
  adapter.reset()
  const renewed = await client.get(`${url}/`)
  expect(renewed.cookies).toContain('koa.sess')
  expect([renewed.body, adapter.counts.run]).toEqual([{ n: 1 }, 2])
  const again = await client.get(`${url}/`)
  expect([again.cookies, adapter.counts.run]).toEqual([[], 3])
})

it('knows the end of an encrypted session that reads have moved, also between the reads that move it', async () => {
  const clock = fakeClock(Date.now())
  const options = { encryptionKeys: ['a secret of at least 16'], touchAfterMs: 20_000 }
  const store = sessionStore({ adapter: memoryAdapter({ now: clock.now }), ...options })
  await store.set('id', { n: 1, _expire: Date.now() + MINUTE_MS, _maxAge: MINUTE_MS }, MINUTE_MS + 10_000)
  const lefts: number[] = []
  for (const ms of [30_000, 28_000, 4_000]) {
    clock.advance(ms)
    const session = await store.get('id', MINUTE_MS, { rolling: true })
    lefts.push(Number(session?.['_expire']) - Date.now())
  }
  // By the clock of this process, which has not moved. The last read has moved nothing.
  expect(lefts.map((ms) => Math.round(ms / 1_000))).toEqual([60, 60, 56])
})

const servers: (() => void)[] = []
afterEach(() => {
  for (const close of servers.splice(0)) close()
})

it('works with ids that the app keeps elsewhere, and with autoCommit: false', async () => {
  const store = sessionStore({ adapter: memoryAdapter(), regenerateGraceMs: MINUTE_MS })
  const app = new Koa()
  app.keys = ['a secret of the tests']
  const externalKey = {
    get: (ctx: Context) => ctx.get('x-session'),
    set: (ctx: Context, key: string) => ctx.set('x-session', key),
  }
  app.use(koaSession({ store, externalKey, autoCommit: false }, app as never))
  app.use(async (ctx) => {
    const session = ctx['session'] as Fields & { manuallyCommit(): Promise<void>; regenerate(): Promise<void> }
    if (ctx.path === '/write') session['n'] = Number(session['n'] ?? 0) + 1
    if (ctx.path === '/regenerate') await session.regenerate()
    else await session.manuallyCommit()
    ctx.body = JSON.stringify(session)
  })
  const listener = app.callback()
  const server = createServer((req, res) => void listener(req, res)).listen(0, '127.0.0.1')
  servers.push(
    () => server.closeAllConnections(),
    () => server.close(),
  )
  await once(server, 'listening')
  const address = server.address()
  const base = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
  const ask = (path: string, id: string) => fetch(base + path, { headers: { 'x-session': id } })

  const id = (await ask('/write', '')).headers.get('x-session') ?? ''
  expect(await (await ask('/write', id)).json()).toEqual({ n: 2 })
  const next = (await ask('/regenerate', id)).headers.get('x-session') ?? ''
  expect(next).not.toBe(id)
  expect(await (await ask('/', next)).json()).toEqual({ n: 2 })
  expect(await (await ask('/', id)).json()).toEqual({ n: 2 })
})

it('updates the session that a request has now, after a regenerate too', async () => {
  const store = sessionStore({ adapter: memoryAdapter() })
  const url = await serveKoa(store, async (visit) => {
    if (visit.path === '/write') visit.session['n'] = 1
    if (visit.path === '/regenerate') {
      await visit.regenerate()
      expect(await visit.update((stored) => Object.assign(stored, { n: Number(stored['n']) + 1 }))).toBe(true)
    }
    return visit.session
  })
  const client = browser()
  await client.get(`${url}/write`)
  expect((await client.get(`${url}/regenerate`)).body).toEqual({ n: 2 })
  expect((await client.get(`${url}/`)).body).toEqual({ n: 2 })
})

it('knows the session of a request on the list of its user, also where it came by the id before a regenerate', async () => {
  const options = { user: ({ user }: Fields) => user as string | undefined, regenerateGraceMs: MINUTE_MS }
  const store = sessionStore({ adapter: memoryAdapter(), ...options })
  const [early, late] = [
    { cookies: {}, session: { externalKey: 'old' } },
    { cookies: {}, session: { externalKey: 'old' } },
  ]
  await store.set('old', { user: 'ann' }, MINUTE_MS, { ctx: early })
  expect((await store.sessionsOf('ann')).map(({ id }) => id)).toEqual([store.idOf(early)])
  await store.destroy('old', { ctx: early })
  expect(store.idOf(early)).toBe(store.idOf('old'))
  await store.set('new', { user: 'ann' }, MINUTE_MS, { ctx: early })
  await store.get('old', MINUTE_MS, { ctx: late })
  expect((await store.sessionsOf('ann')).map(({ id }) => id)).toEqual([store.idOf(late)])
  expect(store.idOf(late)).toBe(store.idOf(early))
})

it('sends the id of a session that the app saves and does not wait for, and lets nothing throw when it is stored', async () => {
  const stored = gate()
  const memory = memoryAdapter()
  const adapter: Adapter = { ...memory, run: (...call) => stored.pass().then(() => memory.run(...call)) }
  const saves: Promise<void>[] = []
  const url = await serveKoa(sessionStore({ adapter }), (visit) => {
    if (visit.path === '/save') saves.push(visit.save())
    return visit.session
  })
  const client = browser()
  expect((await client.get(`${url}/save`)).cookies).toContain('koa.sess')
  stored.open()
  await Promise.all(saves)
  expect(saves).toHaveLength(1)
  expect((await client.get(`${url}/save`)).status).toBe(200)
})

it('stores nothing of a log-in over maxPerUser behind its 403, and what the app saves again once there is room', async () => {
  const options = { user: ({ user }: Fields) => user as string | undefined, maxPerUser: 1, onMax: 'reject' as const }
  const store = sessionStore({ adapter: memoryAdapter(), ...options })
  const url = await serveKoa(store, async (visit) => {
    if (visit.path.startsWith('/regenerate')) await visit.regenerate()
    if (visit.path !== '/') visit.session['user'] = 'ann'
    if (!visit.path.endsWith('/twice')) return visit.session
    await visit.save().catch(async (error: unknown) => {
      await store.destroyAllOf('ann')
      if (visit.path.includes('/fails')) throw error
      await visit.save()
    })
    return visit.session
  })
  for (const path of ['/fails/twice', '/regenerate/fails/twice']) {
    await browser().get(`${url}/in`)
    expect((await browser().get(url + path)).status).toBe(403)
    expect(await store.sessionsOf('ann')).toEqual([])
  }
  await browser().get(`${url}/in`)
  const client = browser()
  expect((await client.get(`${url}/twice`)).status).toBe(200)
  expect((await client.get(`${url}/`)).body).toEqual({ user: 'ann' })
})

it('sends one cookie for a save, where cookies of one name do not replace each other either', async () => {
  const url = await serveKoa(sessionStore({ adapter: memoryAdapter() }), act, { signed: false, overwrite: false })
  const client = browser()
  for (const path of ['/write', '/write']) expect((await client.get(url + path)).headers.getSetCookie()).toHaveLength(1)
})

it('takes a read for no conflict, though with rolling it moves an end that is stored', async () => {
  const clock = fakeClock()
  const store = sessionStore({ adapter: memoryAdapter({ now: clock.now }), onConflict: 'reject' })
  const [writer, reader] = [{ cookies: {} }, { cookies: {} }]
  await store.set('id', { n: 1, _expire: 1, _maxAge: MINUTE_MS }, MINUTE_MS)
  const session = await store.get('id', MINUTE_MS, { ctx: writer, rolling: true })
  clock.advance(1)
  await store.get('id', MINUTE_MS, { ctx: reader, rolling: true })
  await store.set('id', { ...session, n: 2 }, MINUTE_MS, { ctx: writer, changed: true })
  expect(await store.get('id')).toMatchObject({ n: 2 })
})

it('counts an update once that takes a plain record over, while another request reads and updates it', async () => {
  const clock = fakeClock()
  const memory = memoryAdapter({ now: clock.now })
  let isFirst = true
  const adapter: Adapter = {
    ...memory,
    run: async (operation, key, ...rest) => {
      if (isFirst && operation.name === 'session.write' && key === 'id') {
        isFirst = false
        clock.advance(1)
        await count()
      }
      return memory.run(operation, key, ...rest)
    },
  }
  const store = sessionStore({ adapter, hashIds: 'a secret of at least 16' })
  async function count(): Promise<void> {
    const ctx = { cookies: {}, session: {} }
    await store.get('id', MINUTE_MS, { ctx, rolling: true })
    await store.update(ctx, (stored) => Object.assign(stored, { n: Number(stored['n']) + 1 }))
  }
  await sessionStore({ adapter: memory }).set('id', { n: 0, _expire: 1, _maxAge: MINUTE_MS }, MINUTE_MS)
  await count()
  expect(await store.get('id')).toMatchObject({ n: 2 })
  expect(await sessionStore({ adapter: memory }).get('id')).toBeUndefined()
})
