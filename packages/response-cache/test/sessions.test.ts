import { once } from 'node:events'
import type { IncomingMessage, Server } from 'node:http'
import { memoryAdapter } from '@holdfast/adapter/memory'
import { request } from '@holdfast/test/raw-http'
import { afterEach, expect, it, jest } from '@jest/globals'
import express, { type Request, type RequestHandler } from 'express'
import session from 'express-session'
import Koa, { type Context } from 'koa'
import { responseCache } from '../src/express.ts'
import { responseCache as onKoa } from '../src/koa.ts'

const closing: (() => void)[] = []
const { NODE_ENV } = process.env
afterEach(() => {
  for (const close of closing.splice(0)) close()
  process.env['NODE_ENV'] = NODE_ENV
})

/** An app with sessions in front of the cache. */
async function serving(handler: RequestHandler, key?: (req: Request) => string) {
  let count = 0
  const app = express()
  app.use(session({ secret: 'of the test', resave: false, saveUninitialized: true }))
  app.use(responseCache({ adapter: memoryAdapter(), ttlMs: 60_000, ...(key && { key }) }))
  app.use((req, res, next) => {
    count += 1
    handler(req, res, next)
  })
  return { get: await listening(app.listen(0, '127.0.0.1')), count: () => count }
}

async function listening(server: Server) {
  closing.push(() => server.close())
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return (headers: Record<string, string> = {}) => request(port, { headers })
}

/** What is said as a process warning meanwhile. */
async function warnings(work: () => Promise<unknown>): Promise<string[]> {
  const all: string[] = []
  const spy = jest.spyOn(process, 'emitWarning').mockImplementation((warning) => void all.push(String(warning)))
  process.env['NODE_ENV'] = 'development'
  await work()
  spy.mockRestore()
  return all
}

it.each<[string, RequestHandler]>([
  ['sends', (_req, res) => void res.send('for all')],
  [
    'streams',
    (_req, res) => {
      res.write('for ')
      setImmediate(() => res.end('all'))
    },
  ],
])(
  'stores what a handler %s without looking at the session in front, and gives each client a session of its own',
  async (_, handler) => {
    const { get, count } = await serving(handler)
    const [first, second] = [await get(), await get()]
    expect([first.body, second.body, count()]).toEqual(['for all', 'for all', 1])
    expect(first.headers['set-cookie']).toBeDefined()
    expect(second.headers['set-cookie']).not.toBe(first.headers['set-cookie'])
  },
)

it('keeps for its client what was made by looking at the session, also while it streams; and says in development where', async () => {
  const { get, count } = await serving((req, res) => {
    res.write('for ')
    setImmediate(() => res.end(req.session.id))
  })
  const said = await warnings(async () => {
    const [first, second] = [await get(), await get()]
    expect(first.body).not.toBe(second.body)
  })
  expect(count()).toBe(2)
  expect(said).toEqual([
    expect.stringMatching(/^The response to .* is not stored, because the session of the request was read, .*sessions\.test/),
  ])
})

it.each<[string, RequestHandler]>([
  ['the id of the session', (req, res) => void res.send(req.sessionID)],
  ['the header fields as they came', (req, res) => void res.send(req.rawHeaders.join())],
  ['the user where express-jwt puts it', (req, res) => void res.send(Reflect.get(req, 'auth') ?? 'nobody')],
  ['the header fields as lists', (req, res) => void res.send(req.headersDistinct['cookie']?.join() ?? 'none')],
])('keeps for its client what was made by looking at %s', async (_, handler) => {
  const { get, count } = await serving(handler)
  for (const user of ['a', 'b']) await get({ Cookie: `user=${user}` })
  expect(count()).toBe(2)
})

it('keeps for its client what was made by looking at all fields at once, also where it varies by the cookie alone', async () => {
  const seen: IncomingMessage[] = []
  const { get, count } = await serving((req, res) => {
    seen.push(req)
    res.vary('Cookie').send(req.rawHeaders.join())
  })
  await get()
  expect((await get({ Authorization: 'ann' })).body).toContain('ann')
  expect(count()).toBe(2)
  expect(Object.getOwnPropertyDescriptor(seen[0], 'rawHeaders')).toMatchObject({
    value: expect.arrayContaining(['Host']),
  })
})

it.each(['oidc', 'authInfo', 'account', 'kauth', 'csrfToken'])(
  'keeps for its client what was made by looking at req.%s, which a middleware in front has made',
  async (name) => {
    const app = express()
    app.use((req, _res, next) => {
      Reflect.set(req, name, { of: req.get('X-User') })
      next()
    })
    app.use(responseCache({ adapter: memoryAdapter(), ttlMs: 60_000 }), (req, res) => void res.json(Reflect.get(req, name)))
    const get = await listening(app.listen(0, '127.0.0.1'))
    for (const user of ['ann', 'bob']) expect((await get({ 'X-User': user })).body).toContain(user)
  },
)

it('takes no cookie to be in a key that was made of the names of the fields', async () => {
  const app = express()
  function key({ headers }: Request): string {
    let names = ''
    for (const name in headers) if (name.startsWith('x-')) names += name
    return names
  }
  app.use(
    responseCache({ adapter: memoryAdapter(), ttlMs: 60_000, key }),
    (req, res) => void res.send(req.headers.cookie ?? 'new'),
  )
  const get = await listening(app.listen(0, '127.0.0.1'))
  await get()
  expect((await get({ Cookie: 'ann' })).body).toBe('ann')
})

it('keeps for its client what was made by a user that a middleware behind has defined, and leaves the request as that has made it', async () => {
  const seen: Request[] = []
  const { get, count } = await serving((req, res) => {
    seen.push(req)
    Object.defineProperty(req, 'user', { value: req.get('X-User'), configurable: true })
    delete req.headers.cookie
    res.send(Reflect.get(req, 'user'))
  })
  for (const user of ['ann', 'bob']) expect((await get({ 'X-User': user, Cookie: 'a=1' })).body).toBe(user)
  expect(count()).toBe(2)
  expect([Reflect.get(seen[0] ?? {}, 'user'), seen[0]?.headers.cookie]).toEqual(['ann', undefined])
})

it.each<[string, (ctx: Context) => object, string]>([
  ['the user on ctx', (ctx) => ctx, 'user'],
  ['the user on ctx.req', ({ req }) => req, 'user'],
  ['the user on ctx.request', ({ request }) => request, 'user'],
  ['the user on ctx.state', ({ state }) => state, 'user'],
  ['ctx.csrf', (ctx) => ctx, 'csrf'],
  ['ctx.state._csrf', ({ state }) => state, '_csrf'],
])(
  'keeps for its client on Koa what was made by looking at %s, which a middleware in front has put there',
  async (_, on, name) => {
    const app = new Koa()
    app.use((ctx, next) => {
      Reflect.set(on(ctx), name, ctx.get('X-User'))
      return next()
    })
    app.use(onKoa({ adapter: memoryAdapter(), ttlMs: 60_000 }))
    app.use((ctx) => {
      ctx.body = Reflect.get(on(ctx), name)
    })
    const get = await listening(app.listen(0, '127.0.0.1'))
    for (const user of ['ann', 'bob']) expect((await get({ 'X-User': user })).body).toBe(user)
  },
)

it('says in development what a stored response may depend on, though nothing says so', async () => {
  const { get, count } = await serving((req, res) => void res.send(req.get('X-Kind') ?? 'none'))
  const said = await warnings(async () => {
    await get({ 'X-Kind': 'a' })
    await get({ 'X-Kind': 'b' })
  })
  expect(count()).toBe(1)
  expect(said).toEqual([
    expect.stringMatching(/^The response to .* is stored for everybody, and x-kind of the request was read, /),
  ])
})

it('says nothing of a field that the key has read', async () => {
  const kindOf = (req: Request) => req.get('X-Kind') ?? 'none'
  const { get, count } = await serving((req, res) => void res.send(kindOf(req)), kindOf)
  expect(await warnings(async () => void (await get({ 'X-Kind': 'a' })))).toEqual([])
  expect([(await get({ 'X-Kind': 'a' })).body, (await get({ 'X-Kind': 'b' })).body, count()]).toEqual(['a', 'b', 2])
})
