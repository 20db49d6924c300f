import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { memoryAdapter } from '@holdfast/adapter/memory'
import { failing } from '@holdfast/adapter/testing'
import { front } from '@holdfast/http/node'
import { getIdempotency, type IdempotentRequest, idempotency as idempotencyOnExpress } from '@holdfast/idempotency/express'
import { idempotency } from '@holdfast/idempotency/koa'
import { idempotency as inFront } from '@holdfast/idempotency/node'
import { type AppHandler, bound, chained, eachFramework } from '@holdfast/test/frameworks'
import { request } from '@holdfast/test/raw-http'
import { expect, it } from '@jest/globals'
import express from 'express'
import express4 from 'express4'
import Koa from 'koa'
import { idempotent, post } from './idempotent.ts'
import { deferred } from './stage.ts'

eachFramework((framework) => {
  /** Notes what handlers get to know, and lets them do something with it. */
  async function serve(options: object, use: (known: IdempotentRequest) => unknown = () => {}) {
    const seen: IdempotentRequest[] = []
    const look = bound(async ({ native }, next) => {
      const known = getIdempotency(Object(native))
      seen.push(known)
      await use(known)
      await next()
    })
    const handler: AppHandler = () => ({ json: { count: seen.length } })
    const gate = chained(idempotent({ adapter: memoryAdapter(), ...options }), look)
    return { ...(await framework.serve({ gate, handler })), seen }
  }

  it('tells handlers the key, the attempt, a fence and a signal', async () => {
    const { port, seen } = await serve({})
    await post(port, { key: '"a\\"b"' })
    expect(seen).toMatchObject([{ key: 'a"b', attempt: 1, fence: expect.any(Number), signal: { aborted: false } }])
  })

  it('tells handlers that nothing protects a request', async () => {
    const { port, seen } = await serve({})
    await request(port)
    await request(port, { method: 'POST', body: '{}' })
    const open = await serve({ adapter: failing(memoryAdapter()), failure: 'open' })
    await post(open.port)
    const nothing = { attempt: 1, fence: undefined, signal: { aborted: false } }
    expect([...seen, ...open.seen]).toMatchObject([
      { ...nothing, key: undefined },
      { ...nothing, key: undefined },
      { ...nothing, key: '8e03978e' },
    ])
    for (const each of [...seen, ...open.seen]) expect(await each.cancel()).toBe(false)
  })

  it('frees the key at once when a handler says so, and does not keep the response', async () => {
    const { port, seen } = await serve({}, async (known) => {
      if (known.attempt === 1) expect([await known.cancel(), await known.cancel()]).toEqual([true, false])
    })
    expect(await post(port)).toMatchObject({ status: 200, body: '{"count":1}' })
    expect(await post(port, { body: 'something else' })).toMatchObject({ status: 200, body: '{"count":2}' })
    expect(await post(port, { body: 'something else' })).toMatchObject({ status: 200, body: '{"count":2}' })
    expect(seen[1]).toMatchObject({ attempt: 2 })
    expect(seen[1]?.fence).toBeGreaterThan(seen[0]?.fence ?? Number.POSITIVE_INFINITY)
    expect(await seen[1]?.cancel()).toBe(false) // it has been kept
  })
})

it.each([
  ['Express 4', express4],
  ['Express 5', express],
])('tells a handler of %s that works on when a timeout in front has answered for it', async (_name, create) => {
  const app = create()
  const aborted = deferred()
  app.use((_req, res, next) => {
    setImmediate(() => void res.status(503).send('timeout'))
    next()
  })
  app.use(idempotencyOnExpress({ adapter: memoryAdapter(), scope: 'public' }))
  app.post('/payments', (req) => {
    const { attempt, signal } = getIdempotency(req)
    if (attempt === 1) signal.addEventListener('abort', () => aborted.resolve())
  })
  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0
  expect(await post(port)).toMatchObject({ status: 503, body: 'timeout' })
  await aborted.promise
  server.close()
})

it('leaves the signal of a handler alone that has cancelled, or whose response is kept', async () => {
  const seen: IdempotentRequest[] = []
  const app = express()
    .use(idempotencyOnExpress({ adapter: memoryAdapter(), scope: 'public' }))
    .post('/payments', (req, res, next) => {
      const known = getIdempotency(req)
      seen.push(known)
      const cancelled = known.attempt === 1 ? known.cancel() : Promise.resolve()
      cancelled.then(() => res.sendStatus(201)).catch(next)
    })
  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0
  for (let time = 0; time < 2; time += 1) expect((await post(port)).status).toBe(201)
  expect(seen.map(({ attempt, signal }) => [attempt, signal.aborted])).toEqual([
    [1, false],
    [2, false],
  ])
  server.close()
})

it('is the same request in front of Koa and in it: it does not wait for itself, and handlers know its key', async () => {
  const options = { adapter: memoryAdapter(), scope: 'public' } as const
  const app = new Koa().use(idempotency(options)).use((ctx) => {
    ctx.body = getIdempotency(ctx).key
  })
  const koa = app.callback()
  const listener = front([inFront(options)], (req, res) => void koa(req, res))
  const server = createHttpServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0
  expect(await post(port)).toMatchObject({ status: 200, body: '8e03978e' })
  server.close()
})
