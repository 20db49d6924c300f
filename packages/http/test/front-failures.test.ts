import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { toExpress } from '@holdfast/http/express'
import { toKoa } from '@holdfast/http/koa'
import { front, type NodeMiddleware, toNode } from '@holdfast/http/node'
import { request } from '@holdfast/test/raw-http'
import { afterEach, beforeEach, expect, it, jest } from '@jest/globals'
import Koa from 'koa'

const emitWarning = jest.spyOn(process, 'emitWarning').mockImplementation(() => {})
let server: Server | undefined

beforeEach(() => {
  emitWarning.mockClear()
})

afterEach(() => {
  server?.close()
  server?.closeAllConnections()
})

it('sends the headers of an error with a status, but none that speak of a body or cannot be sent', async () => {
  const headers = { 'Retry-After': 7, 'Content-Length': '9999', 'Transfer-Encoding': 'chunked', 'Bad Name': '1', 'X-Bad': 'a\nb' }
  const port = await listening([failing(Object.assign(new Error('later'), { statusCode: 429, headers }))])

  const answer = await request(port)

  expect(answer).toMatchObject({ status: 429, headers: { 'retry-after': '7' } })
  expect(JSON.parse(answer.body)).toEqual({ title: 'Too Many Requests', status: 429, detail: 'later' })
  for (const name of ['transfer-encoding', 'bad name', 'x-bad']) expect(answer.headers).not.toHaveProperty(name)
  expect(answer.headers['content-length']).toBe(String(Buffer.byteLength(answer.body)))
})

it('sends no headers of an error without a status: they may be those of another server’s response', async () => {
  const port = await listening([failing(Object.assign(new Error('secret'), { headers: { 'Set-Cookie': 'theirs=1' } }))])
  const { status, headers, body } = await request(port)
  expect({ status, body }).toEqual({ status: 500, body: '{"title":"Internal Server Error","status":500}' })
  expect(headers).not.toHaveProperty('set-cookie')
})

it.each([200, 302, 600, 404.5, '404'])('takes a status of %p for no status of an error', async (status) => {
  const port = await listening([failing(Object.assign(new Error('odd'), { status }))])
  expect((await request(port)).status).toBe(500)
})

it('answers a listener that throws, and one that rejects', async () => {
  const port = await listening([], (req) => {
    if (req.url === '/rejects') return Promise.reject(new Error('boom'))
    throw new Error('boom')
  })
  expect((await request(port)).status).toBe(500)
  expect((await request(port, { path: '/rejects' })).status).toBe(500)
  expect(emitWarning).toHaveBeenCalledTimes(2)
})

it('keeps what a gate has set, and drops what described another body', async () => {
  const gate = toNode(async (exchange, next) => {
    exchange.setHeader('X-Gate', 'seen')
    exchange.setHeader('Content-Encoding', 'gzip')
    await next()
  })
  const port = await listening([gate, failing(new Error('boom'))])
  const { status, headers } = await request(port)
  expect({ status, gate: headers['x-gate'] }).toEqual({ status: 500, gate: 'seen' })
  expect(headers).not.toHaveProperty('content-encoding')
})

it('gives a 500 its own reason, after an answer that could not be sent', async () => {
  const answering = toNode(async (exchange) => exchange.respond({ status: 200, headers: { 'X-Bad': 'a\nb' } }))
  const port = await listening([answering])
  const { status, statusText } = await fetch(`http://127.0.0.1:${port}/`)
  expect({ status, statusText }).toEqual({ status: 500, statusText: 'Internal Server Error' })
})

it('breaks the connection off when the headers of a response are sent already', async () => {
  const port = await listening([], (_req, res) => {
    res.writeHead(200, { 'Content-Length': 100 }).write('half')
    throw new Error('boom')
  })
  await expect(request(port)).rejects.toThrow(/ended after 0 of 1|ECONNRESET/)
  expect(emitWarning).toHaveBeenCalledTimes(1)
})

it('leaves a whole response alone when its listener fails after it', async () => {
  const port = await listening([], async (_req, res) => {
    res.end('whole')
    throw new Error('boom')
  })
  expect(await request(port)).toMatchObject({ status: 200, body: 'whole' })
  expect(emitWarning).toHaveBeenCalledTimes(1)
})

it('runs what comes after a middleware once, even if it calls next twice', async () => {
  const listener = jest.fn((_req: unknown, res: { end(body: string): unknown }) => res.end('once'))
  const twice: NodeMiddleware = (_req, _res, next) => {
    next()
    next()
  }
  const port = await listening([twice], listener)
  expect((await request(port)).body).toBe('once')
  expect(listener).toHaveBeenCalledTimes(1)
  expect(String(emitWarning.mock.calls[0]?.[0])).toContain('next() called multiple times')
})

it('answers 500 when the function that picks proxies throws', async () => {
  const trustProxy = (): boolean => {
    throw new Error('boom')
  }
  server = createServer(front([], (_req, res) => res.end('reached'), { trustProxy })).listen(0, '127.0.0.1')
  await once(server, 'listening')
  expect((await request(portOf(server), { headers: { 'X-Forwarded-For': '192.0.2.1' } })).status).toBe(500)
})

it('refuses what is no function, and a number of proxies in a string', () => {
  expect(() => Reflect.apply(front, undefined, [[undefined], () => {}])).toThrow(
    new TypeError('front takes functions (req, res, next), got undefined'),
  )
  expect(() => Reflect.apply(front, undefined, [[], new Koa()])).toThrow('got object: of a Koa app give app.callback()')
  expect(() => Reflect.apply(front, undefined, [() => {}, () => {}])).toThrow(
    'front takes a list of middlewares first, got function',
  )
  expect(() => front([], () => {}, { trustProxy: '1' })).toThrow(/trustProxy must be .*; got \[ '1' \]/)
})

it.each([
  ['Express', toKoa, [{}, {}, () => {}], /^This middleware is called with \(ctx, next\), by Koa: for Express import it from/],
  ['Koa', toExpress, [{}, async () => {}], /^This middleware is called with \(req, res, next\).* for a Koa app import it from/],
] as const)('says what to import when %s is given the middleware of another', (_framework, bind, given, message) => {
  const handler = jest.fn<() => Promise<void>>()
  expect(() => Reflect.apply(bind(handler), undefined, given)).toThrow(message)
  expect(handler).not.toHaveBeenCalled()
})

function failing(error: unknown): NodeMiddleware {
  return (_req, _res, next) => next(error)
}

async function listening(middlewares: readonly NodeMiddleware[], listener?: Parameters<typeof front>[1]): Promise<number> {
  server = createServer(front(middlewares, listener ?? ((_req, res) => res.end('reached')))).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return portOf(server)
}

function portOf(listened: Server): number {
  const address = listened.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}
