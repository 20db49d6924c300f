import { once } from 'node:events'
import { Agent, createServer, get, type IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { memoryAdapter } from '@holdfast/adapter/memory'
import { failing } from '@holdfast/adapter/testing'
import { sessionStore } from '@holdfast/session-store/express'
import { afterEach, expect, it } from '@jest/globals'
import express, { type NextFunction, type Request, type Response } from 'express'
import session from 'express-session'

const closing: (() => void)[] = []
afterEach(() => {
  for (const close of closing.splice(0)) close()
})

/** An app whose log-in stores its session before it answers, and a client that keeps its connection. */
async function site(handler?: (error: { status: number }, req: Request, res: Response, next: NextFunction) => void) {
  const user = (stored: object): string => String(Reflect.get(stored, 'user'))
  const adapter = failing(memoryAdapter())
  const told: unknown[] = []
  const app = express().set('env', 'test') // it says nothing of the errors that it answers
  const store = sessionStore({ adapter, user, maxPerUser: 1, onMax: 'reject' })
  app.use(session({ store, secret: 'a secret of the tests', resave: false, saveUninitialized: false }))
  app.get('/log-in', (req, res, next) => {
    req.session.regenerate((refused: unknown) => {
      if (refused && req.query['at'] === 'regenerate') return next(refused)
      Object.assign(req.session, { user: 'ann' })
      req.session.save((error: unknown) => {
        told.push(error)
        if (error) next(error)
        else res.json({})
      })
    })
  })
  app.get('/careless', (req, res) => {
    Object.assign(req.session, { user: 'ann' })
    res.json({})
  })
  if (handler !== undefined) app.use(handler)
  const server = createServer(app).listen(0, '127.0.0.1')
  await once(server, 'listening')
  let connections = 0
  server.on('connection', () => {
    connections += 1
  })
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  closing.push(() => {
    agent.destroy()
    server.close()
  })
  const address = server.address()
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0
  return {
    adapter,
    told,
    connections: () => connections,
    async ask(path: string): Promise<number | undefined> {
      const [response] = (await once(get({ port, path, agent }), 'response')) as [IncomingMessage]
      await text(response)
      return response.statusCode
    },
  }
}

it.each([
  ['by Express', undefined],
  [
    'by the app',
    (error: { status: number }, _req: Request, res: Response, next: NextFunction) => {
      if (res.headersSent) return next(error)
      res.status(error.status).json({})
    },
  ],
])(
  'keeps the connection of a client that got its 503 %s, where what failed is tried once more at the end',
  async (_, handler) => {
    const { adapter, told, ask, connections } = await site(handler)
    adapter.fail()
    for (let times = 0; times < 3; times += 1) expect(await ask('/log-in')).toBe(503)
    expect(connections()).toBe(1)
    expect(told).toHaveLength(3)
    adapter.recover()
    expect(await ask('/log-in')).toBe(200)
  },
)

it('keeps the connection of a client whose log-in was refused', async () => {
  const { adapter, told, ask, connections } = await site()
  adapter.recover()
  expect(await ask('/log-in')).toBe(200)
  for (let times = 0; times < 3; times += 1) expect(await ask('/log-in')).toBe(403)
  expect(connections()).toBe(1)
  expect(told).toHaveLength(4)
})

it('tells of what failed at the end alone', async () => {
  const errors: unknown[] = []
  const { adapter, ask } = await site((error, _req, _res, _next) => void errors.push(error))
  adapter.fail()
  expect(await ask('/careless')).toBe(200)
  expect(errors).toEqual([expect.objectContaining({ code: 'ERR_HOLDFAST_SESSION_UNAVAILABLE' })])
})
