import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { setTimeout as wait } from 'node:timers/promises'
import { memoryAdapter } from '@holdfast/adapter/memory'
import { counting } from '@holdfast/adapter/testing'
import { type AppHandler, type Bindings, bound, chained, eachFramework } from '@holdfast/test/frameworks'
import { type RawResponse, request, sent } from '@holdfast/test/raw-http'
import { afterAll, describe, expect, it } from '@jest/globals'
import { idempotent, keyed, post } from './idempotent.ts'
import { deferred, until } from './stage.ts'

const folder = mkdtempSync(join(tmpdir(), 'holdfast-'))
const file = join(folder, 'receipt.bin')
const binary = Buffer.from(Array.from({ length: 70_000 }, (_, index) => index % 256))
writeFileSync(file, binary)
afterAll(() => rmSync(folder, { recursive: true }))

/** What a response is, but for what belongs to its connection and its moment. */
function lasting({ status, reason, rawHeaders, bytes }: RawResponse): unknown {
  const headers: string[] = []
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const [name = '', value] = rawHeaders.slice(index, index + 2)
    if (!OF_CONNECTION.test(name)) headers.push(`${name}: ${value}`)
  }
  return { status, reason, headers, bytes: bytes.toString('base64') }
}

const OF_CONNECTION = /^(date|connection|keep-alive|transfer-encoding|content-length|idempotent-replayed)$/i

const kinds: [string, AppHandler, RegExp?][] = [
  ['JSON', () => ({ status: 201, json: { paid: true, note: 'ü€😀' } })],
  ['text', () => ({ body: 'paid' })],
  ['binary', () => ({ body: binary, headers: { 'Content-Type': 'application/octet-stream' } })],
  [
    'a stream',
    () => ({ stream: Readable.from([binary, binary], { objectMode: false }), headers: { 'Content-Type': 'image/png' } }),
  ],
  ['a file', () => ({ file })],
  [
    'a stream with a name that is not ASCII',
    () => ({ stream: Readable.from([binary]), headers: { 'Content-Disposition': 'attachment; filename="Übersicht.png"' } }),
  ],
  ['204', () => ({ status: 204, headers: { 'X-Nothing': 'here' } })],
  ['an empty 201', ({ res }) => void res.writeHead(201, { Location: '/payments/1' }).end()],
  ['a reason of its own', ({ res }) => void res.writeHead(201, 'Paid').end('paid')],
  ['a redirect', () => ({ location: '/payments/1' })],
  ['303', () => ({ status: 303, location: '/payments/1' })],
  ['404', () => ({ status: 404, json: { title: 'No such account' } })],
  ['repeated headers', ({ res }) => void res.setHeader('Link', ['<a>', '<c>']).writeHead(200, { 'X-B': 'b' }).end('linked')],
  [
    'write in pieces',
    ({ res }) => {
      res.statusCode = 202
      res.setHeader('Content-Type', 'text/plain')
      res.write('one, ')
      res.write(Buffer.from([0, 255]))
      setImmediate(() => res.end('dGhyZWU=', 'base64'))
      return undefined
    },
  ],
]

eachFramework((framework) => {
  async function serve(handler: AppHandler, options: object = {}) {
    let count = 0
    const served = await framework.serve({
      gate: idempotent({ adapter: memoryAdapter(), ...options }),
      handler: (incoming) => {
        count += 1
        return handler(incoming)
      },
    })
    return { ...served, count: () => count }
  }

  it.each(kinds)('gives the same again: %s', async (_kind, handler) => {
    const { port, count } = await serve(handler)
    const first = await post(port)
    const bare = await framework.serve({ handler })
    expect(lasting(first)).toEqual(lasting(await post(bare.port)))
    for (let time = 0; time < 2; time += 1) {
      const replay = await post(port)
      expect(lasting(replay)).toEqual(lasting(first))
      expect(replay.headers['idempotent-replayed']).toBe('true')
    }
    expect(first.headers['idempotent-replayed']).toBeUndefined()
    expect(count()).toBe(1)
  })

  it('gives no cookie again, unless it is told to, and nothing of the moment, the connection or a quota', async () => {
    const momentary = {
      'Set-Cookie': ['a=1', 'b=2'],
      RateLimit: '"default";r=1;t=1',
      'RateLimit-Policy': '"default";q=1;w=1',
      'X-RateLimit-Remaining': '1',
      'X-Own': 'kept',
      Connection: 'close, X-Hop',
      'X-Hop': 'of this connection',
      Date: 'Thu, 01 Jan 1970 00:00:00 GMT',
    }
    const { port } = await serve(() => ({ headers: momentary, body: 'x' }))
    const [first, replay] = [await post(port), await post(port)]
    expect([first.headers['set-cookie'], first.headers['ratelimit']]).toEqual(['a=1, b=2', '"default";r=1;t=1'])
    for (const name of ['set-cookie', 'x-hop', 'ratelimit', 'ratelimit-policy', 'x-ratelimit-remaining']) {
      expect(replay.headers[name]).toBeUndefined()
    }
    expect(replay.headers['x-own']).toBe('kept')
    expect(new Date(replay.headers['date'] ?? '').getTime()).toBeGreaterThan(Date.UTC(2020, 1, 1))
    const cookies = await serve(() => ({ headers: momentary, body: 'x' }), { replayCookies: true })
    await post(cookies.port)
    expect((await post(cookies.port)).headers['set-cookie']).toBe('a=1, b=2')
  })

  it('holds nothing of the credentials of a request', async () => {
    const adapter = memoryAdapter()
    const { port } = await serve(() => ({ body: 'x' }), { adapter })
    await post(port, { headers: { Authorization: 'Bearer s3cr3t', Cookie: 'sid=s3cr3t' }, body: '{"card":"s3cr3t"}' })
    const records: unknown[] = []
    for await (const key of adapter.scan('')) {
      records.push(key)
      const look = {
        name: 'test.look',
        step: (state: unknown) => ({ result: state }),
        lua: 'return {}',
        encode: () => [],
        decode: () => 0,
      }
      records.push(await adapter.run(look, key, undefined))
    }
    expect(records).toHaveLength(2)
    expect(JSON.stringify(records)).not.toContain('s3cr3t')
  })

  describe('a response over maxBytes', () => {
    const large: AppHandler = () => ({ stream: Readable.from([binary, binary, binary], { objectMode: false }) })

    it('goes out whole, once, after it was marked; and is never made again', async () => {
      const adapter = counting(memoryAdapter())
      const { port, count } = await serve(large, { adapter, maxBytes: 100_000 })
      const first = await post(port)
      expect([first.status, first.bytes.length, adapter.calls]).toEqual([200, 210_000, 2])
      const refused = await post(port)
      expect([refused.status, refused.headers['retry-after'], JSON.parse(refused.body).reason]).toEqual([
        409,
        undefined,
        'too-large',
      ])
      expect(count()).toBe(1)
    })

    it('is marked before the first byte is on its way', async () => {
      const [marking, marked] = [deferred(), deferred()]
      const real = memoryAdapter()
      const adapter = {
        ...real,
        run: (async (operation, key, args, options) => {
          if (operation.name !== 'idempotency.commit') return real.run(operation, key, args, options)
          marking.resolve()
          await marked.promise
          return real.run(operation, key, args, options)
        }) as typeof real.run,
      }
      const { port } = await serve(large, { adapter, maxBytes: 100_000 })
      const socket = await sent(port, [keyed('a', { body: '{}' })])
      let received = 0
      socket.on('data', ({ length }) => {
        received += length
      })
      await marking.promise
      await wait(100) // in real time: what would have been sent is there by then
      expect(received).toBe(0)
      marked.resolve()
      await until(() => received > 210_000)
      socket.destroy()
    })

    it('of exactly maxBytes is kept', async () => {
      const { port } = await serve(() => ({ body: binary }), { maxBytes: 70_000 })
      await post(port)
      expect((await post(port)).status).toBe(200)
      const larger = await serve(() => ({ body: binary }), { maxBytes: 69_999 })
      await post(larger.port)
      expect((await post(larger.port)).status).toBe(409)
    })
  })

  it('does not run again what was cut short', async () => {
    const { port, count } = await serve(({ res }) => {
      res.writeHead(200, { 'Content-Length': '10' })
      res.write('half')
      setImmediate(() => res.destroy())
      return undefined
    })
    await expect(post(port)).rejects.toThrow(/connection ended|ECONNRESET/)
    const refused = await post(port)
    expect([refused.status, JSON.parse(refused.body).reason]).toEqual([409, 'unreplayable'])
    expect(count()).toBe(1)
  })

  it('runs again what has failed', async () => {
    let fails = true
    const { port, count } = await serve(() => {
      if (fails) throw new Error('on purpose')
      return { json: { paid: true } }
    })
    expect((await post(port)).status).toBe(500)
    fails = false
    expect((await post(port)).status).toBe(200)
    expect((await post(port)).headers['idempotent-replayed']).toBe('true')
    expect(count()).toBe(2)
  })

  it('does not keep a failure that is too large', async () => {
    const { port, count } = await serve(() => ({ status: 503, body: binary }), { maxBytes: 100 })
    for (let time = 0; time < 2; time += 1) expect(await post(port)).toMatchObject({ status: 503, bytes: binary })
    expect(count()).toBe(2)
  })

  it.each([400, 402, 404, 410, 301].map((status) => [status]))('keeps a %i by default', async (status) => {
    const { port, count } = await serve(({ res }) => void res.writeHead(status).end())
    expect([(await post(port)).status, (await post(port)).status, count()]).toEqual([status, status, 1])
  })

  it.each([401, 403, 408, 409, 413, 415, 422, 429, 500, 503].map((status) => [status]))(
    'does not keep a %i by default',
    async (status) => {
      const { port, count } = await serve(({ res }) => void res.writeHead(status).end())
      expect([(await post(port)).status, (await post(port)).status, count()]).toEqual([status, status, 2])
    },
  )

  it('keeps what it is told to, and does not run again where that fails', async () => {
    const all = await serve(({ res }) => void res.writeHead(500).end(), { store: () => true })
    expect([(await post(all.port)).status, (await post(all.port)).status, all.count()]).toEqual([500, 500, 1])
    const broken = await serve(() => ({ body: 'x' }), {
      store: () => {
        throw new Error('thrown by store, on purpose')
      },
    })
    expect((await post(broken.port)).status).toBe(200)
    const refused = await post(broken.port)
    expect([refused.status, JSON.parse(refused.body).reason, broken.count()]).toEqual([409, 'unreplayable', 1])
  })

  it('gives a kept response the quota that a middleware in front sets for each request, and the other headers of the first', async () => {
    let count = 0
    const front = bound((exchange, next) => {
      count += 1
      exchange.setHeader('RateLimit', `"default";r=${10 - count};t=1`)
      exchange.setHeader('X-Request-Id', String(count))
      return next()
    })
    const { port } = await framework.serve({
      gate: chained(front, idempotent({ adapter: memoryAdapter() })),
      handler: () => ({ body: 'x' }),
    })
    expect((await post(port)).headers).toMatchObject({ ratelimit: '"default";r=9;t=1', 'x-request-id': '1' })
    expect((await post(port)).headers).toMatchObject({ ratelimit: '"default";r=8;t=1', 'x-request-id': '1' })
  })

  if (framework.binding === 'koa')
    it.each<[string, AppHandler]>([
      ['an object', () => ({ json: { paid: true } })],
      ['a text', () => ({ body: 'paid' })],
      ['bytes', () => ({ body: Buffer.from([0, 255]) })],
      ['nothing, for which Koa sends the status in words', () => ({ status: 202 })],
    ])('leaves to a middleware in front the body that a handler has left: %s', async (_what, handler) => {
      const envelope: Bindings = {
        ...bound(),
        koa: () => [
          async (ctx, next) => {
            await next()
            const { body, status } = ctx
            ctx.body = { data: body ?? null }
            ctx.status = status
          },
        ],
      }
      const bare = await framework.serve({ gate: envelope, handler })
      const gate = chained(envelope, idempotent({ adapter: memoryAdapter() }))
      const { port } = await framework.serve({ gate, handler })
      const expected = lasting(await post(bare.port))
      const [first, replay] = [await post(port), await post(port)]
      expect([lasting(first), lasting(replay)]).toEqual([expected, expected])
      expect(replay.headers['idempotent-replayed']).toBe('true')
    })

  it('answers a request without a key as if it was not there', async () => {
    const { port } = await serve(() => ({ body: 'x' }))
    const bare = await framework.serve({ handler: () => ({ body: 'x' }) })
    expect(lasting(await request(port, { method: 'POST' }))).toEqual(lasting(await request(bare.port, { method: 'POST' })))
  })
})
