import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { front, type NodeMiddleware, toNode } from '@holdfast/http/node'
import { request } from '@holdfast/test/raw-http'
import { afterEach, describe, expect, it, jest } from '@jest/globals'
import express from 'express'
import Koa from 'koa'

const servers: ReturnType<typeof createServer>[] = []
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.close()
    server.closeAllConnections()
  }
})

async function listening(listener: RequestListener): Promise<number> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  servers.push(server)
  await once(server, 'listening')
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

const refusing: NodeMiddleware = (req, res, next) => {
  if (req.url !== '/refused') return next()
  res.statusCode = 429
  res.end('refused')
}

describe('in front of an app', () => {
  const express5 = express().use((_req, res) => void res.send('express'))
  const koa = new Koa().use((ctx) => {
    ctx.body = 'koa'
  })
  const apps: [string, RequestListener][] = [
    ['express', express5],
    ['koa', (req, res) => void koa.callback()(req, res)],
  ]
  it.each(apps)('answers what is refused, and leaves the rest to %s', async (name, app) => {
    const port = await listening(front([refusing], app))
    expect(await request(port, { path: '/refused' })).toMatchObject({ status: 429, body: 'refused' })
    expect(await request(port)).toMatchObject({ status: 200, body: name })
  })

  it('leaves to Express what it has no route for, and its errors', async () => {
    const app = express().set('env', 'test')
    app.get('/fails', () => {
      throw Object.assign(new Error('on purpose'), { status: 418 })
    })
    const port = await listening(front([refusing], app))
    const [nothing, failed] = [await request(port, { path: '/nothing' }), await request(port, { path: '/fails' })]
    expect([nothing.status, failed.status]).toEqual([404, 418])
    expect(nothing.body).toContain('Cannot GET /nothing')
    expect(failed.headers['content-type']).toBe('text/html; charset=utf-8')
  })

  it('gives bytes as bytes to a middleware that looks at what is sent', async () => {
    const seen: unknown[] = []
    const looking: NodeMiddleware = (_req, res, next) => {
      const { end } = res
      Object.assign(res, { end: (...args: unknown[]): unknown => seen.push(args[0]) && Reflect.apply(end, res, args) })
      next()
    }
    const answering = toNode(async (exchange) => exchange.respond({ status: 200, body: Buffer.of(200, 201) }))
    const port = await listening(front([looking, answering], express5))
    expect(await request(port)).toMatchObject({ status: 200, headers: { 'content-length': '2' } })
    expect(seen).toEqual([Buffer.of(200, 201)])
  })

  it.each(['finish', 'close'])('tells a logger that waits for %s what an answer had', async (event) => {
    const answering = toNode(async (exchange) => exchange.respond({ status: 200, rawHeaders: ['X-Given', '1'], body: 'whole' }))
    const logged = new Promise((resolve, reject) => {
      const logging: NodeMiddleware = (_req, res, next) => {
        res.on(event, () => resolve([res.getHeader('X-Given'), res.getHeader('Content-Length')]))
        next()
      }
      listening(front([logging, answering], express5))
        .then(request)
        .catch(reject)
    })
    expect(await logged).toEqual(['1', 5])
  })

  const raw = [
    'Link',
    '</a>',
    'X-Given',
    'raw',
    'content-type',
    'text/css',
    'link',
    '</b>',
    'Content-Length',
    '9',
    'Transfer-Encoding',
    'chunked',
  ]
  it.each([200, 204, 205, 304])('gives a %i the same fields, whether or not a logger waits for them', async (status) => {
    const headers = { 'x-given': 'own', 'X-Given': 'last', 'content-length': '8', 'transfer-encoding': 'chunked' }
    const answering = toNode(async (exchange) =>
      exchange.respond({ status, headers, rawHeaders: raw, body: Buffer.of(200, 201) }),
    )
    const logging: NodeMiddleware = (_req, res, next) => {
      res.on('finish', () => {})
      next()
    }
    const unseen = await listening(front([answering], express5))
    const seen = await listening(front([logging, answering], express5))
    for (const method of ['GET', 'HEAD']) {
      const [one, other] = await Promise.all([unseen, seen].map((port) => request(port, { method })))
      expect({ ...one, rawHeaders: [] }).toEqual({ ...other, rawHeaders: [] })
      expect(one).toMatchObject({ status, headers: { 'x-given': 'last', link: '</a>, </b>' } })
    }
  })

  it('runs middlewares in order', async () => {
    const order: number[] = []
    const middlewares = [1, 2, 3].map(
      (turn): NodeMiddleware =>
        (_req, _res, next) => {
          order.push(turn)
          next()
        },
    )
    const port = await listening(front(middlewares, (_req, res) => res.end('ok')))
    await request(port)
    expect(order).toEqual([1, 2, 3])
  })

  const failures: [string, NodeMiddleware, number, string | undefined][] = [
    ['an error', (_req, _res, next) => next(new Error('secret')), 500, undefined],
    [
      'a throw',
      () => {
        throw new Error('secret')
      },
      500,
      undefined,
    ],
    [
      'a rejection',
      async () => {
        throw new Error('secret')
      },
      500,
      undefined,
    ],
    [
      'an error with a status',
      (_req, _res, next) => next(Object.assign(new Error('no such thing'), { status: 404 })),
      404,
      'no such thing',
    ],
  ]
  it.each(failures)('answers %s as a problem, without what is secret', async (_name, middleware, status, detail) => {
    const warnings = jest.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const port = await listening(front([middleware], (_req, res) => res.end('reached')))
    const answer = await request(port)
    expect(answer).toMatchObject({ status, headers: { 'content-type': 'application/problem+json' } })
    expect(JSON.parse(answer.body)).toMatchObject({ status, ...(detail === undefined ? {} : { detail }) })
    expect(answer.body).not.toContain('secret')
    expect(warnings).toHaveBeenCalledTimes(status === 500 ? 1 : 0)
    warnings.mockRestore()
  })
})

describe('trustProxy', () => {
  const address: NodeMiddleware = (req, res) => void res.end(String(Reflect.get(req, Symbol.for('holdfast.ip'))))
  const forms: [unknown, string][] = [
    [false, '127.0.0.1'],
    [0, '127.0.0.1'],
    [1, '192.0.2.1'],
    [2, '203.0.113.9'],
    ['loopback', '192.0.2.1'],
    [['loopback', '192.0.2.0/24'], '203.0.113.9'],
    [(_ip: string, hop: number) => hop < 1, '192.0.2.1'],
  ]
  it.each(forms)('of %p finds the client at %s', async (trustProxy, expected) => {
    const listener = Reflect.apply(front, undefined, [[address], () => {}, { trustProxy }])
    const port = await listening(listener)
    expect((await request(port, { headers: { 'X-Forwarded-For': '203.0.113.9, 192.0.2.1' } })).body).toBe(expected)
  })

  it.each([-1, 1.5, Number.NaN, 'somewhere', ['10.0.0.0/99'], null, {}])('of %p is refused', (trustProxy) => {
    expect(() => Reflect.apply(front, undefined, [[], () => {}, { trustProxy }])).toThrow(/trustProxy/)
  })

  it('is refused under another name, as is what is no list of middlewares', () => {
    expect(() => Reflect.apply(front, undefined, [[], () => {}, { trustproxy: 1 }])).toThrow(
      'Unknown option "trustproxy" of front: there is trustProxy',
    )
    expect(() => Reflect.apply(front, undefined, [express()])).toThrow('front takes a list of middlewares first, got function')
  })

  it('of true is warned of: a client can forge its address', () => {
    const warnings = jest.spyOn(process, 'emitWarning').mockImplementation(() => {})
    front([], () => {}, { trustProxy: true })
    expect(warnings).toHaveBeenCalledWith(expect.stringContaining('forge'), expect.anything())
    warnings.mockRestore()
  })
})
