import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { connect } from 'node:net'
import { PassThrough } from 'node:stream'
import { buffer, text } from 'node:stream/consumers'
import { memoryAdapter } from '@holdfast/adapter/memory'
import { counting } from '@holdfast/adapter/testing'
import { type AppHandler, type AppRequest, type Bindings, bound, chained, eachFramework } from '@holdfast/test/frameworks'
import { pipelined, request, sent } from '@holdfast/test/raw-http'
import { afterEach, describe, expect, it } from '@jest/globals'
import express from 'express'
import express4 from 'express4'
import { readBody } from '../src/body.ts'
import { idempotent, keyed, post } from './idempotent.ts'
import { until } from './stage.ts'

const open: Server[] = []
afterEach(() => {
  for (const server of open.splice(0)) server.close()
})

/** Puts something where parsers leave what they have made of a body, after it was read. */
function parsing(parse: (bytes: Buffer) => unknown): Bindings {
  return bound(async ({ native }, next) => {
    const context = native as { req?: AppRequest['req']; request?: object } & AppRequest['req'] // Koa's, or a request
    const bytes = await buffer(context.req ?? context)
    Object.assign(context.request ?? context, { body: parse(bytes) })
    await next()
  })
}

const json = parsing((bytes) => JSON.parse(bytes.toString()) as unknown)

/** Sends a request with its body in one write, on a connection of its own. */
async function inOnePacket(port: number, rest: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  const head = `POST /payments HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: application/json\r\nIdempotency-Key: k${rest.length}\r\n`
  socket.write(head + rest)
  return text(socket)
}

/** The ways in which a body is read. */
const readers: [string, (req: AppRequest['req']) => Promise<Buffer>][] = [
  ['by for await', (req) => buffer(req)],
  [
    'by data',
    (req) =>
      new Promise((resolve) => {
        const chunks: Buffer[] = []
        req.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => resolve(Buffer.concat(chunks)))
      }),
  ],
  ['by pipe', (req) => buffer(req.pipe(new PassThrough()))],
  [
    'by read',
    (req) =>
      new Promise((resolve) => {
        const chunks: Buffer[] = []
        req.on('readable', () => {
          for (let chunk: unknown = req.read(); chunk instanceof Buffer; chunk = req.read()) chunks.push(chunk)
        })
        req.on('end', () => resolve(Buffer.concat(chunks)))
      }),
  ],
]

eachFramework((framework) => {
  async function serve(options: object = {}, handler: AppHandler = () => ({ json: {} }), before: Bindings = bound()) {
    let count = 0
    const served = await framework.serve({
      gate: chained(before, idempotent({ adapter: memoryAdapter(), ...options })),
      handler: (incoming) => {
        count += 1
        return handler(incoming)
      },
    })
    return { ...served, count: () => count }
  }

  describe.each(readers)('a body that is read %s behind', (_how, read) => {
    const echo: AppHandler = async ({ req }) => ({ body: await read(req) })

    it('is whole, of any size', async () => {
      const { port, count } = await serve({}, echo)
      for (const body of ['', 'x', 'ü'.repeat(1_000), 'y'.repeat(1_048_576)]) {
        const key = `key${body.length}`
        expect((await post(port, { key, body })).body).toBe(body)
        expect((await post(port, { key, body })).body).toBe(body)
      }
      expect(count()).toBe(4)
    })

    it('is whole when it comes in pieces', async () => {
      const { port } = await serve({}, echo)
      const socket = await sent(port, [keyed('a', { headers: { 'Transfer-Encoding': 'chunked' } })])
      let received = ''
      socket.on('data', (data) => {
        received += String(data)
      })
      for (const piece of ['5\r\nfirst\r\n', '1\r\n,\r\n', '6\r\nsecond\r\n', '0\r\n\r\n']) {
        socket.write(piece)
        await new Promise(setImmediate)
      }
      await until(() => received.includes('first,second'))
      socket.destroy()
    })

    it('is whole when it is empty, and comes as pieces', async () => {
      const { port } = await serve({}, echo)
      const chunked = { headers: { 'Transfer-Encoding': 'chunked' } }
      const socket = await sent(port, [keyed('a', chunked)])
      socket.write('0\r\n\r\n')
      let received = ''
      socket.on('data', (data) => {
        received += String(data)
      })
      await until(() => received.includes('200 OK'))
      socket.destroy()
    })
  })

  it('tells bodies apart by their bytes, where nobody has parsed them', async () => {
    const { port } = await serve()
    expect((await post(port, { body: '{"a":1,"b":2}' })).status).toBe(200)
    expect((await post(port, { body: '{"b":2,"a":1}' })).status).toBe(422)
    expect((await post(port, { body: '{"a":1,"b":2}' })).headers['idempotent-replayed']).toBe('true')
    expect((await request(port, keyed('"8e03978e"', { path: '/payments' }))).status).toBe(422) // without a body
  })

  it('takes none and an empty one for the same, however that is said', async () => {
    const { port, count } = await serve()
    expect((await request(port, keyed('a', { path: '/payments' }))).status).toBe(200)
    const socket = await sent(port, [keyed('a', { path: '/payments', headers: { 'Transfer-Encoding': 'chunked' } })])
    socket.write('0\r\n\r\n')
    const [answer] = await once(socket, 'data')
    socket.destroy()
    expect(String(answer)).toContain('Idempotent-Replayed: true')
    expect(count()).toBe(1)
  })

  it('tells bodies that were parsed apart by what they say', async () => {
    const { port } = await serve({}, () => ({ json: {} }), json)
    expect((await post(port, { body: '{"a":1,"b":{"c":[1,2],"d":""}}' })).status).toBe(200)
    expect((await post(port, { body: '{ "b": {"d":"", "c":[1,2]}, "a":1.0 }' })).headers['idempotent-replayed']).toBe('true')
    expect((await post(port, { body: '{"a":1,"b":{"c":[2,1],"d":""}}' })).status).toBe(422)
    expect((await post(port, { path: '/payments?dry=1', body: '{"a":1,"b":{"c":[1,2],"d":""}}' })).status).toBe(422)
  })

  it.each([
    ['text', (bytes: Buffer) => bytes.toString()],
    ['bytes', (bytes: Buffer) => bytes],
  ])('tells bodies apart that were parsed to %s', async (_kind, parse) => {
    const { port } = await serve({}, () => ({ json: {} }), parsing(parse))
    expect((await post(port, { body: 'a' })).status).toBe(200)
    expect((await post(port, { body: 'a' })).status).toBe(200)
    expect((await post(port, { body: 'b' })).status).toBe(422)
  })

  it('refuses a body that is nested too deep, without a call of the adapter', async () => {
    const adapter = counting(memoryAdapter())
    const { port } = await serve({ adapter }, () => ({ json: {} }), json)
    const refused = await post(port, { body: `${'['.repeat(40_000)}${']'.repeat(40_000)}` })
    expect([refused.status, JSON.parse(refused.body).reason, adapter.calls]).toEqual([400, 'too-deep', 0])
  })

  it('refuses a body that is too large to compare, without a call of the adapter', async () => {
    const adapter = counting(memoryAdapter())
    const { port, count } = await serve({ adapter, maxBodyBytes: 10 })
    expect((await post(port, { body: 'x'.repeat(10) })).status).toBe(200)
    adapter.reset()
    const large = keyed('b', { body: 'x'.repeat(11) })
    for (const refused of await pipelined(port, [large, large])) {
      expect([refused.status, JSON.parse(refused.body).reason]).toEqual([413, 'payload-too-large'])
    }
    const chunked = await sent(port, [keyed('b', { headers: { 'Transfer-Encoding': 'chunked' } })])
    chunked.write(`${'5\r\npiece\r\n'.repeat(20)}0\r\n\r\n`)
    const [answer] = await once(chunked, 'data')
    expect(String(answer)).toContain(' 413 ')
    chunked.destroy()
    expect([adapter.calls, count()]).toEqual([0, 1])
  })

  it('does not compare multipart by itself', async () => {
    const multipart = { headers: { 'Content-Type': 'Multipart/form-data; boundary=x' }, body: '--x--' }
    const adapter = counting(memoryAdapter())
    const { port } = await serve({ adapter })
    const refused = await post(port, multipart)
    expect([refused.status, JSON.parse(refused.body).reason, adapter.calls]).toEqual([415, 'multipart', 0])
    const own = await serve({ fingerprint: () => 'the name of the file' })
    expect((await post(own.port, multipart)).status).toBe(200)
    expect((await post(own.port, { ...multipart, body: '--another--' })).headers['idempotent-replayed']).toBe('true')
  })

  it('compares what the app says, and does not hide it when that is nothing', async () => {
    let given: unknown = 'a'
    const { port, count } = await serve({ fingerprint: async () => given })
    expect((await post(port)).status).toBe(200)
    given = Buffer.from('b')
    expect((await post(port)).status).toBe(422)
    given = undefined
    expect((await post(port)).status).toBe(500)
    expect(count()).toBe(1)
  })

  it('does not take a body for empty that was read, and is not where parsers leave it', async () => {
    const { port, count } = await serve(
      {},
      () => ({ json: {} }),
      parsing(() => undefined),
    )
    expect((await post(port)).status).toBe(500)
    expect(count()).toBe(0)
  })

  it('leaves its connection to the next request, when nobody reads what was put back', async () => {
    const { port, count } = await serve({ inProgress: 'wait' })
    const large = { body: 'x'.repeat(1_048_576) }
    const requests = [
      keyed('a', large),
      keyed('a', large),
      keyed('a', { body: 'other' }),
      keyed('b', large),
      keyed('"'),
      keyed('a', large),
    ]
    const responses = await pipelined(port, requests)
    expect(responses.map(({ status }) => status)).toEqual([200, 200, 422, 200, 400, 200])
    expect(count()).toBe(2)
  })

  it('compares again what it has read, where another middleware stands behind', async () => {
    const adapter = memoryAdapter()
    const { port, count } = await serve(
      { adapter, name: 'one' },
      async ({ req }) => ({ body: await buffer(req) }),
      idempotent({ adapter }),
    )
    expect((await post(port, { body: 'x' })).body).toBe('x')
    expect((await post(port, { body: 'x' })).body).toBe('x')
    expect(count()).toBe(1)
  })

  it('runs nothing for a client that leaves before its body is whole', async () => {
    const adapter = counting(memoryAdapter())
    const { port, count, stop } = await serve({ adapter })
    for (const headers of [{ 'Content-Length': '10' }, { 'Transfer-Encoding': 'chunked' }]) {
      const socket = await sent(port, [keyed('a', { headers })])
      socket.write('5\r\npie')
      await new Promise(setImmediate)
      socket.destroy()
    }
    await stop()
    expect([adapter.calls, count()]).toEqual([0, 0])
  })
})

it('does not let an empty body end before anybody has read it', async () => {
  const server = createServer((req, res) => {
    void readBody(req, 10).then(async ({ state }) => {
      await new Promise(setImmediate)
      res.end(`${state}, ended: ${req.readableEnded}`)
    })
  }).listen(0, '127.0.0.1')
  open.push(server)
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0
  expect(await inOnePacket(port, 'Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n')).toContain('read, ended: false')
})

it.each([
  ['says so', 'Content-Length: 20\r\n\r\n', '0123456789', '0123456789'],
  ['comes in pieces', 'Transfer-Encoding: chunked\r\n\r\n', 'b\r\n01234567890\r\n', '1\r\n1\r\n0\r\n\r\n'],
])('lets a body that is too large, and %s, come and go before it says so', async (_how, head, some, rest) => {
  const gone = new PassThrough()
  const server = createServer((req, res) => {
    void readBody(req, 10).then(({ state }) => gone.end(`${state}, complete: ${req.complete}`))
    res.write('there') // the client may send the rest
  }).listen(0, '127.0.0.1')
  open.push(server)
  await once(server, 'listening')
  const address = server.address()
  const socket = connect(typeof address === 'object' ? (address?.port ?? 0) : 0, '127.0.0.1')
  socket.write(`POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${head}${some}`)
  await once(socket, 'data')
  socket.write(rest)
  expect(await text(gone)).toBe('too-large, complete: true')
  socket.destroy()
})

it('reads a body to its length where no server says that it is complete, as with inject of Fastify', async () => {
  const body = new PassThrough()
  const injected = Object.assign(body, { headers: { 'content-length': '4' } }) as unknown as AppRequest['req'] // as much of one
  body.write('kelp')
  expect(await readBody(injected, 10)).toEqual({ state: 'read', bytes: Buffer.from('kelp') })
  body.end()
  expect(String(await buffer(injected))).toBe('kelp')
})

describe.each([
  ['Express 4', express4],
  ['Express 5', express],
])('%s with its own parsers', (_name, create) => {
  async function serve(build: (app: express.Express, gate: express.RequestHandler) => void) {
    const [gate] = idempotent({ adapter: memoryAdapter() }).express()
    if (gate === undefined) throw new Error('There is one middleware')
    const app = create()
    build(app, gate)
    app.post('/payments', (req, res) => void res.json({ body: req.body ?? null }))
    const server = app.listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    const address = server.address()
    open.push(server)
    return { port: typeof address === 'object' ? (address?.port ?? 0) : 0 }
  }

  it.each<[string, (app: express.Express, gate: express.RequestHandler) => void]>([
    ['in front', (app, gate) => void app.use(express.json(), express.urlencoded({ extended: true }), gate)],
    ['behind', (app, gate) => void app.use(gate, express.json(), express.urlencoded({ extended: true }))],
  ])('gives the handler what was sent, with a parser %s', async (_where, build) => {
    const { port } = await serve(build)
    const form = { 'Content-Type': 'application/x-www-form-urlencoded' }
    for (let time = 0; time < 2; time += 1) {
      expect((await post(port, { key: 'json' })).body).toBe('{"body":{"amount":5}}')
      expect((await post(port, { key: 'form', headers: form, body: 'a=1&b[]=2' })).body).toBe('{"body":{"a":"1","b":["2"]}}')
    }
    expect((await post(port, { key: 'json', body: '{"amount":6}' })).status).toBe(422)
    expect(await inOnePacket(port, 'Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n')).toContain(' 200 OK')
    expect(await inOnePacket(port, 'Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n')).toContain(' 200 OK')
    expect((await post(port, { key: 'text', headers: { 'Content-Type': 'text/plain' }, body: 'not for a parser' })).status).toBe(
      200,
    )
    expect((await post(port, { key: 'text', headers: { 'Content-Type': 'text/plain' }, body: 'another' })).status).toBe(422)
  })
})
