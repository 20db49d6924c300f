import { createHmac } from 'node:crypto'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { createServer, IncomingMessage } from 'node:http'
import { type AddressInfo, Socket } from 'node:net'
import { memoryAdapter } from '@holdfast/adapter/memory'
import { failing } from '@holdfast/adapter/testing'
import type { HttpResponse } from '@holdfast/http'
import { createRateLimiter, type RateLimiter } from '@holdfast/rate-limit'
import { rateLimit as onExpress, type RateLimitOptions } from '@holdfast/rate-limit/express'
import { rateLimit as onKoa } from '@holdfast/rate-limit/koa'
import { rateLimit as onNode } from '@holdfast/rate-limit/node'
import { type Bindings, eachFramework } from '@holdfast/test/frameworks'
import { pipelined, request, sent } from '@holdfast/test/raw-http'
import { describe, expect, it, jest } from '@jest/globals'
import express, { type ErrorRequestHandler } from 'express'

/** What all frameworks hand to functions. */
interface Native {
  readonly headers: { readonly [name: string]: unknown }
}

function limitedBy(options: RateLimitOptions<Native, HttpResponse>): Bindings {
  return { node: () => [onNode(options)], express: () => [onExpress(options)], koa: () => [onKoa(options)] }
}

const minute = { limit: 2, windowMs: 60_000 }
const key = () => 'client'

eachFramework((framework) => {
  it('gives each request the limit of its tier, and says which', async () => {
    const limitOf = ({ headers }: Native) => (headers['x-tier'] === 'gold' ? 3 : 1)
    const { port } = await framework.serve({ gate: limitedBy({ adapter: memoryAdapter(), ...minute, limitOf }) })
    const gold = { headers: { 'X-Tier': 'gold' } }
    const responses = await pipelined(port, [{}, {}, gold, gold, gold])
    expect(responses.map(({ status, headers }) => [status, headers['ratelimit-policy'], headers['ratelimit']])).toEqual([
      [200, '"default";q=1;w=60', '"default";r=0;t=60'],
      [429, '"default";q=1;w=60', '"default";r=0;t=60'],
      [200, '"default";q=3;w=60', '"default";r=1;t=60'],
      [200, '"default";q=3;w=60', '"default";r=0;t=60'],
      [429, '"default";q=3;w=60', '"default";r=0;t=60'],
    ])
  })

  it('answers a limit that is none by an error, and charges nothing', async () => {
    const limiter = createRateLimiter({ adapter: memoryAdapter(), ...minute })
    const { port } = await framework.serve({ gate: limitedBy({ limiter, key, limitOf: () => Number.NaN }) })
    expect((await request(port)).status).toBe(500)
    expect(await remaining(limiter)).toBe(2)
  })

  it('tells clients by a secret which quota is theirs, and never their key', async () => {
    const partitionKeySecret = 'a secret of 24 characters'
    const ofHeader = ({ headers }: Native) => String(headers['x-user'])
    const { port } = await framework.serve({
      gate: limitedBy({ adapter: memoryAdapter(), ...minute, key: ofHeader, partitionKeySecret, headers: ['draft', 'legacy'] }),
    })
    for (const user of ['one', 'two']) {
      const pk = createHmac('sha256', partitionKeySecret).update(user).digest().subarray(0, 16).toString('base64')
      expect((await request(port, { headers: { 'X-User': user } })).headers).toMatchObject({
        'ratelimit-policy': `"default";q=2;w=60;pk=:${pk}:`,
        ratelimit: `"default";r=1;t=60;pk=:${pk}:`,
        'x-ratelimit-remaining': '1',
      })
    }
  })

  describe('count', () => {
    const statusOf = ({ url }: { url: string }) => Number(url.slice(1))

    async function serve(count: RateLimitOptions<Native>['count'] & {}) {
      const limiter = createRateLimiter({ adapter: memoryAdapter(), name: 'count', limit: 9, windowMs: 60_000 })
      const { port } = await framework.serve({
        gate: limitedBy({ limiter, key, count }),
        handler: (req) => ({ status: statusOf(req) }),
      })
      return { limiter, port }
    }

    it.each([
      ['all', { 200: 1, 304: 1, 404: 1, 500: 1 }],
      ['failed', { 200: 0, 304: 0, 404: 1, 500: 1 }],
      ['successful', { 200: 1, 304: 1, 404: 0, 500: 0 }],
    ] as const)('charges what is %s', async (count, charged) => {
      const { limiter, port } = await serve(count)
      let left = 9
      for (const [status, units] of Object.entries(charged)) {
        expect((await request(port, { path: `/${status}` })).status).toBe(Number(status))
        left -= units
        await until(async () => (await remaining(limiter)) === left)
      }
    })

    it.each([
      ['a function', (_native: Native, status: number) => status === 401],
      ['an async function', async (_native: Native, status: number) => status === 401],
    ] as const)('charges what %s picks', async (_name, count) => {
      const { limiter, port } = await serve(count)
      await pipelined(port, [{ path: '/200' }, { path: '/401' }, { path: '/500' }])
      await until(async () => (await remaining(limiter)) === 8)
    })

    it('charges a request whose function fails, and tells so', async () => {
      const emitWarning = jest.spyOn(process, 'emitWarning').mockImplementation(() => {})
      const seen: unknown[] = []
      const listener = (event: unknown) => seen.push(event)
      subscribe('holdfast.rate-limit.failure', listener)
      const { limiter, port } = await serve(() => {
        throw new Error('on purpose')
      })
      await request(port, { path: '/200' })
      await until(async () => seen.length === 1)
      expect(seen).toMatchObject([{ name: 'count', key: 'client', call: 'count', error: { message: 'on purpose' } }])
      expect(await remaining(limiter)).toBe(8)
      expect(String(emitWarning.mock.calls[0]?.[0])).toMatch(/^count failed, and the request stays charged: Error: on purpose/)
      emitWarning.mockRestore()
      unsubscribe('holdfast.rate-limit.failure', listener)
    })

    it('charges a request whose client left before it was answered: its failure would be free', async () => {
      const limiter = createRateLimiter({ adapter: memoryAdapter(), ...minute })
      let arrived = (): void => {}
      let left = (): void => {}
      const hasArrived = new Promise<void>((resolve) => {
        arrived = resolve
      })
      const hasLeft = new Promise<void>((resolve) => {
        left = resolve
      })
      const { port, stop } = await framework.serve({
        gate: limitedBy({ limiter, key, count: 'failed' }),
        async handler({ req }) {
          req.socket.once('close', left)
          arrived()
          await hasLeft
          return { status: 200 }
        },
      })
      const socket = await sent(port, [{}])
      await hasArrived
      socket.destroy()
      await hasLeft
      await stop()
      expect(await remaining(limiter)).toBe(1)
    })
  })

  describe('a refusal', () => {
    async function refused(options: Omit<RateLimitOptions<Native, HttpResponse>, 'limiter' | 'adapter'>) {
      const limiter = createRateLimiter({ adapter: memoryAdapter(), limit: 0, windowMs: 1_000 })
      await limiter.block('client', 30_000)
      const { port } = await framework.serve({ gate: limitedBy({ ...options, limiter, key }) })
      const { status, headers, body } = await request(port)
      return [status, headers['content-type'], headers['cache-control'], body]
    }

    it('has the status that was asked for', async () => {
      const [status, type, , body] = await refused({ statusCode: 420 })
      expect([status, type, JSON.parse(String(body)).status]).toEqual([420, 'application/problem+json', 420])
    })

    it('says what it is told to', async () => {
      const text = 'text/plain; charset=utf-8'
      expect(await refused({ message: 'Slow down' })).toEqual([429, text, 'no-store', 'Slow down'])
      expect(await refused({ message: { error: 'slow' } })).toEqual([429, 'application/json', 'no-store', '{"error":"slow"}'])
      const message = ({ headers }: Native, { blocked }: { blocked: boolean }) => `${String(headers['host'])} ${blocked}`
      expect(await refused({ message })).toEqual([429, text, 'no-store', '127.0.0.1 true'])
      expect(await refused({ message: async () => ({ error: 'later' }) })).toMatchObject({ 3: '{"error":"later"}' })
    })

    it('can be answered as a whole by the app', async () => {
      const onLimited = async (): Promise<HttpResponse> => ({
        status: 302,
        headers: { Location: '/slow-down', 'Content-Type': 'text/html' },
        body: '<p>Slow down',
      })
      expect(await refused({ onLimited })).toEqual([302, 'text/html', 'no-store', '<p>Slow down'])
    })

    it('is a 503 and a problem where the adapter fails closed, whatever limits answer', async () => {
      const adapter = failing(memoryAdapter())
      const options = { adapter, ...minute, failure: 'closed' as const, statusCode: 420 }
      for (const each of [{ message: 'Slow down' }, { onLimited: () => ({ status: 302 }) }]) {
        const { port } = await framework.serve({ gate: limitedBy({ ...options, ...each }) })
        const { status, headers } = await request(port)
        expect([status, headers['content-type']]).toEqual([503, 'application/problem+json'])
      }
    })
  })

  it('refuses pipelined requests over the slots that there are, and frees those of the others', async () => {
    const limiter = createRateLimiter({ adapter: memoryAdapter(), name: 'slots', limit: 2, algorithm: 'concurrency' })
    let arrived = 0
    let finish = (): void => {}
    const { port } = await framework.serve({
      gate: limitedBy({ limiter, key }),
      async handler() {
        arrived += 1
        if (arrived === 1) {
          await new Promise<void>((resolve) => {
            finish = resolve
          })
        }
        return { body: 'done' }
      },
    })
    const responses = pipelined(port, [{}, {}, {}, {}])
    await until(async () => arrived === 2)
    finish()
    expect((await responses).map(({ status }) => status)).toEqual([200, 200, 429, 429])
    await until(async () => (await remaining(limiter)) === 2)
  })

  it('lets an app answer by the means of its framework, with the decision', async () => {
    const options = { adapter: memoryAdapter(), limit: 0, windowMs: 60_000 }
    const { port } = await framework.serve({
      gate: {
        node: () => [onNode({ ...options, onLimited: (_req, { violated }) => ({ status: 418, body: violated.join() }) })],
        express: () => [onExpress({ ...options, onLimited: (req, { violated }) => req.res?.status(418).send(violated.join()) })],
        koa: () => [
          onKoa({ ...options, onLimited: (ctx, { violated }) => Object.assign(ctx, { status: 418, body: violated.join() }) }),
        ],
      },
    })
    const { status, headers, body } = await request(port, { headers: { 'X-Mine': 'not to be sent back' } })
    expect([status, headers['ratelimit'], headers['x-mine'], body]).toEqual([418, '"default";r=0', undefined, 'default'])
  })
})

it.each([
  [{ count: 'some' }, "count must be 'all', 'failed', 'successful' or a function, got \"some\""],
  [{ headers: 'rfc' }, 'headers must be legacy, draft-6, draft-7, draft, a list of them, or false, got "rfc"'],
  [{ statusCode: 200 }, 'statusCode must be a whole number from 400 to 599, got 200'],
  [{ cost: -1 }, 'cost must be a whole number of at least 0, got -1'],
  [{ cost: { other: 1 } }, 'cost names a policy "other" that this limiter does not have'],
  [{ limitOf: 5 }, 'limitOf must be a function, got 5'],
  [{ onLimited: 'no' }, 'onLimited must be a function, got "no"'],
  [{ message: 5 }, 'message must be a string, an object or a function, got 5'],
  [{ message: 'no', onLimited: () => {} }, 'message and onLimited are both given: onLimited answers alone'],
  [{ partitionKeySecret: 'short' }, 'partitionKeySecret must be a string or bytes, at least 16 long'],
  [
    { partitionKeySecret: 'x'.repeat(16), headers: 'legacy' },
    "partitionKeySecret is for the fields of 'draft', which headers leaves out",
  ],
  [{ max: 5 }, 'Unknown option "max" of rateLimit: there are adapter, name, limit, windowMs, algorithm,'],
  [{ keyGenerator: () => 'all' }, /^Unknown option "keyGenerator" of rateLimit: .* limiter, key, cost,/],
])('refuses the options %j', (wrong, message) => {
  const options: object = { adapter: memoryAdapter(), ...minute, ...wrong }
  for (const rateLimit of [onExpress, onKoa, onNode] as ((options: object) => unknown)[]) {
    expect(() => rateLimit(options)).toThrow(message)
  }
})

it('says what is missing where options or the limiter are something else', () => {
  for (const rateLimit of [onExpress, onKoa, onNode] as ((options?: object) => unknown)[]) {
    expect(() => rateLimit()).toThrow('The options of rateLimit must be an object, got undefined')
    expect(() => rateLimit({ limiter: rateLimit })).toThrow('limiter must be one that createRateLimiter has made')
    const req = new IncomingMessage(new Socket())
    for (const given of [req, { app: {}, req }]) {
      expect(() => rateLimit(given)).toThrow('rateLimit was given a request: write rateLimit(options), which makes a middleware')
    }
  }
})

it.each<[options: object, message: string]>([
  [{ key: () => undefined }, 'key must return a string that is not empty, got undefined'],
  [{ key: async () => 42 }, 'key must return a string that is not empty, got 42'],
  [{ key: () => ({ id: 42 }) }, 'key must return a string that is not empty, got an object'],
  [{ key: () => '' }, 'key must return a string that is not empty, got ""'],
  [
    { limit: 0, onLimited: () => ({ status: 429, body: { error: 'slow' } }) },
    'The body that onLimited returns must be a text or bytes, got an object',
  ],
])('says what a function of the app must return: %j', async (wrong, message) => {
  const app = express().use(onExpress({ adapter: memoryAdapter(), ...minute, ...wrong }))
  const answerByMessage: ErrorRequestHandler = (error, _req, res, _next) => void res.status(500).send(error.message)
  const server = createServer(app.use(answerByMessage)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  expect(await request(port)).toMatchObject({ status: 500, body: message })
  server.close()
})

async function remaining(limiter: RateLimiter): Promise<number | undefined> {
  return (await limiter.peek('client')).policies[0]?.remaining
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise(setImmediate)
}
