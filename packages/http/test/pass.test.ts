import type { Exchange, Handler } from '@holdfast/http'
import { type AppHandler, type AppRequest, bound, eachFramework } from '@holdfast/test/frameworks'
import { pipelined, request } from '@holdfast/test/raw-http'
import { beforeEach, describe, expect, it, jest } from '@jest/globals'

const emitWarning = jest.spyOn(process, 'emitWarning').mockImplementation(() => {})

beforeEach(() => {
  emitWarning.mockClear()
})

eachFramework((framework) => {
  it('tells what the client sent', async () => {
    const seen: unknown[] = []
    const gate = bound(async ({ method, url, headers, ip, aborted }, next) => {
      seen.push({ method, url, tenant: headers['x-tenant'], ip, aborted })
      await next()
    })
    const { port } = await framework.serve({ gate })

    await request(port, { method: 'PUT', path: '/a%20b?c=1&c=2', headers: { 'X-Tenant': 'kelp' }, body: '{}' })

    expect(seen).toEqual([{ method: 'PUT', url: '/a%20b?c=1&c=2', tenant: 'kelp', ip: '127.0.0.1', aborted: false }])
  })

  it('passes the request on: the response is the app’s, with the headers of all gates', async () => {
    const gate = bound(setting('X-First', '1'), setting('X-Second', '2'))
    const { port } = await framework.serve({ gate, handler: () => ({ status: 201, headers: { 'X-App': '3' }, body: 'made' }) })

    expect(await request(port)).toMatchObject({
      status: 201,
      body: 'made',
      headers: { 'x-first': '1', 'x-second': '2', 'x-app': '3' },
    })
  })

  it('passes the request on after waiting', async () => {
    const gate = bound(async (_exchange, next) => {
      await new Promise((resolve) => setImmediate(resolve))
      await next()
    })
    const { port } = await framework.serve({ gate })
    expect(await request(port)).toMatchObject({ status: 200, body: 'hello' })
  })

  it('resolves next() once the app has produced its response', async () => {
    const order: string[] = []
    const gate = bound(async (_exchange, next) => {
      order.push('before')
      await next()
      order.push('after')
      finished.resolve()
    })
    const finished = Promise.withResolvers<void>()
    const { port } = await framework.serve({
      gate,
      async handler() {
        await new Promise((resolve) => setImmediate(resolve))
        order.push('app')
        return { body: 'done' }
      },
    })

    expect((await request(port)).body).toBe('done')
    await finished.promise
    expect(order).toEqual(['before', 'app', 'after'])
  })

  it('answers four pipelined requests in their order', async () => {
    const gate = bound(async (exchange, next) => {
      if (exchange.url === '/2') exchange.respond({ status: 429, body: 'not you' })
      else await next()
    })
    const { port } = await framework.serve({ gate, handler: ({ url }) => ({ body: `app ${url}` }) })

    const responses = await pipelined(
      port,
      ['/1', '/2', '/3', '/4'].map((path) => ({ path })),
    )

    expect(responses.map(({ status, body }) => `${status} ${body}`)).toEqual([
      '200 app /1',
      '429 not you',
      '200 app /3',
      '200 app /4',
    ])
  })

  it('wraps nothing of the response, and finish comes once', async () => {
    const finishes = Promise.withResolvers<number>()
    let count = 0
    let own: unknown[] = []
    const handler: AppHandler = ({ res }) => {
      own = ['write', 'end', 'writeHead', 'setHeader', 'flushHeaders'].filter((name) => Object.hasOwn(res, name))
      res.on('finish', () => {
        count += 1
      })
      res.on('close', () => finishes.resolve(count))
      return { body: 'bare' }
    }
    const { port } = await framework.serve({ gate: bound(setting('X-First', '1'), setting('X-Second', '2')), handler })

    expect((await request(port)).body).toBe('bare')
    expect(own).toEqual([])
    expect(await finishes.promise).toBe(1)
  })

  describe('an app that fails', () => {
    const failures: [string, AppHandler][] = [
      ['by a throw', () => fail()],
      ['by a rejection', async () => fail()],
      ['by a rejection, later', () => new Promise((_, reject) => setImmediate(() => reject(new Error('boom'))))],
      ['by next(error)', ({ next }: AppRequest) => void next(new Error('boom'))],
    ]

    it.each(failures)('%s, answers 500 with the headers of all gates', async (_how, handler) => {
      const { port } = await framework.serve({ gate: bound(setting('X-First', '1'), setting('X-Second', '2')), handler })
      const { status, headers } = await request(port)
      expect({ status, headers }).toMatchObject({ status: 500, headers: { 'x-first': '1', 'x-second': '2' } })
    })

    it('leaves nothing of one request on an error that is thrown again for another', async () => {
      const shared = new Error('the same every time')
      const gate = bound(async (exchange, next) => {
        if (exchange.url === '/1') exchange.setHeader('X-Client', 'the first')
        exchange.setHeader('X-Gate', exchange.url)
        await next()
      })
      const { port } = await framework.serve({
        gate,
        handler() {
          throw shared
        },
      })

      const responses = await pipelined(port, [{ path: '/1' }, { path: '/2' }])

      expect(responses.map(({ headers }) => [headers['x-gate'], headers['x-client']])).toEqual([
        ['/1', 'the first'],
        ['/2', undefined],
      ])
      expect(Object.hasOwn(shared, 'headers')).toBe(false)
    })
  })

  describe('a gate that fails', () => {
    const failures: [string, () => unknown][] = [
      ['an error', () => new Error('boom')],
      ['undefined', () => undefined],
      ['what Express takes for going on', () => 'route'],
    ]

    it.each(failures)('with %s, answers 500, and the app is not asked', async (_what, thrown) => {
      const handler = jest.fn(() => ({ body: 'from the app' }))
      const gate = bound(() => Promise.reject(thrown()))
      const { port } = await framework.serve({ gate, handler })

      expect((await request(port)).status).toBe(500)
      expect(handler).not.toHaveBeenCalled()
    })

    it('before it returns a promise, answers 500', async () => {
      const gate = bound(() => fail())
      const { port } = await framework.serve({ gate })
      expect((await request(port)).status).toBe(500)
    })
  })

  it('rejects a second next(), and asks the app once', async () => {
    const handler = jest.fn(() => ({ body: 'once' }))
    const second = Promise.withResolvers<unknown>()
    const gate = bound(async (_exchange, next) => {
      const passed = next()
      next().catch(second.resolve)
      await passed
    })
    const { port } = await framework.serve({ gate, handler })

    expect((await request(port)).body).toBe('once')
    expect(String(await second.promise)).toBe('Error: next() called multiple times')
    expect(handler).toHaveBeenCalledTimes(1)
  })

  it('sets no header once the headers are sent', async () => {
    const handled = Promise.withResolvers<Exchange<unknown>>()
    const gate = bound(async (exchange, next) => {
      await next()
      exchange.setHeader('X-Late', '1')
      handled.resolve(exchange)
    })
    const { port } = await framework.serve({
      gate,
      handler: ({ res }) => void res.writeHead(200, { 'Content-Length': 0 }).end(),
    })

    expect((await request(port)).headers).not.toHaveProperty('x-late')
    await handled.promise
  })
})

function setting(name: string, value: string): Handler<unknown> {
  return async (exchange, next) => {
    exchange.setHeader(name, value)
    await next()
  }
}

function fail(): never {
  throw new Error('boom')
}
