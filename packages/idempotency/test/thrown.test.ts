import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { memoryAdapter } from '@holdfast/adapter/memory'
import { idempotency } from '@holdfast/idempotency/koa'
import { afterEach, describe, expect, it } from '@jest/globals'
import Koa, { type Context } from 'koa'
import { post } from './idempotent.ts'
import { published } from './stage.ts'

const open: Server[] = []
afterEach(() => {
  for (const server of open.splice(0)) server.close()
})

/** Koa with an app's own middleware in front, which answers errors. */
async function serving(handler: (ctx: Context) => unknown, options: object = {}) {
  let count = 0
  const app = new Koa()
  app.silent = true
  app.use(async (ctx, next) => {
    try {
      await next()
    } catch (error) {
      if (ctx.path === '/plain') throw error
      ctx.status = Number(Reflect.get(Object(error), ctx.path === '/coded' ? 'statusCode' : 'status') ?? 500)
      ctx.body = { message: String(error), details: Reflect.get(Object(error), 'details') ?? null }
    }
  })
  app.use(idempotency({ adapter: memoryAdapter(), scope: 'public', ...options }))
  app.use((ctx) => {
    count += 1
    return handler(ctx)
  })
  const callback = app.callback()
  const server = createServer((req, res) => void callback(req, res)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  open.push(server)
  return { port: typeof address === 'object' ? (address?.port ?? 0) : 0, count: () => count }
}

class CardError extends Error {
  override readonly name = 'CardError'
  get statusCode(): number {
    return 402
  }
  get status(): number {
    return this.statusCode
  }
  get expose(): boolean {
    return true
  }
}

describe('what a handler of Koa throws', () => {
  it.each([['/payments'], ['/plain']])(
    'for the client to see is answered again in the same way, by the app or by Koa (%s)',
    async (path) => {
      const { port, count } = await serving((ctx) =>
        ctx.throw(402, 'Card declined', { details: [{ field: 'card' }], headers: { 'X-Reason': 'card' } }),
      )
      const [first, replay] = [await post(port, { path }), await post(port, { path })]
      expect([first.status, first.headers['idempotent-replayed']]).toEqual([402, undefined])
      expect(first.body).toContain('Card declined')
      const { date: _, ...headers } = first.headers
      expect(replay).toMatchObject({ status: 402, body: first.body, headers: { ...headers, 'idempotent-replayed': 'true' } })
      expect(count()).toBe(1)
    },
  )

  it.each<[string, (ctx: Context) => unknown]>([
    ["of Koa's own", (ctx) => ctx.throw(402, 'Card declined')],
    ['of a class', () => Promise.reject(new CardError('Card declined'))],
    ['with nothing else', () => Promise.reject(Object.assign(new Error('Card declined'), { statusCode: 402, expose: true }))],
  ])('is answered again by its statusCode: an error %s', async (_what, handler) => {
    const { port, count } = await serving(handler)
    const [first, replay] = [await post(port, { path: '/coded' }), await post(port, { path: '/coded' })]
    expect([first.status, replay.status, replay.headers['idempotent-replayed'], count()]).toEqual([402, 402, 'true', 1])
    expect(replay.body).toBe(first.body)
  })

  it.each<[string, (ctx: Context) => unknown]>([
    ['of the server', (ctx) => ctx.throw(503)],
    ['that clients mend', (ctx) => ctx.throw(422, 'Amount is missing')],
    ['that is not for clients', () => Promise.reject(Object.assign(new Error('on purpose'), { status: 404 }))],
    ['without a status', () => Promise.reject(new Error('on purpose'))],
  ])('frees the key: an error %s', async (_what, handler) => {
    const { port, count } = await serving(handler)
    const [first, second] = [await post(port), await post(port)]
    expect(second.status).toBe(first.status)
    expect(count()).toBe(2)
  })

  it('is not thrown again where it is too large, or no JSON', async () => {
    const large = await serving((ctx) => ctx.throw(402, 'x'.repeat(200)), { maxBytes: 100 })
    expect([(await post(large.port)).status, (await post(large.port)).status, large.count()]).toEqual([402, 409, 1])
    const big = await serving((ctx) => ctx.throw(402, { big: 1n }))
    const failures = await published('holdfast.idempotency.failure', async () => expect((await post(big.port)).status).toBe(402))
    expect(failures).toMatchObject([{ call: 'encode', error: { name: 'TypeError' } }])
    const refused = await post(big.port)
    expect([refused.status, JSON.parse(refused.body).reason, big.count()]).toEqual([409, 'unreplayable', 1])
  })

  it('is told as a replay', async () => {
    const { port } = await serving((ctx) => ctx.throw(404))
    const events = await published('holdfast.idempotency', async () => {
      await post(port)
      await post(port)
    })
    expect(events).toMatchObject([{ outcome: 'run' }, { outcome: 'replay' }])
  })
})
