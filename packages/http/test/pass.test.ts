import type { Handler } from '@holdfast/http'
import { type AppHandler, bound, eachFramework } from '@holdfast/test/frameworks'
import { pipelined, request } from '@holdfast/test/raw-http'
import { beforeEach, describe, expect, it, jest } from '@jest/globals'
import { deferred } from './deferred.ts'

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

  it('answers pipelined requests in their order, refused ones between', async () => {
    const gate = bound(async (exchange, next) => {
      if (exchange.url === '/2') exchange.respond({ status: 429, body: 'not you' })
      else await next()
    })
    const { port } = await framework.serve({ gate, handler: ({ url }) => ({ body: `app ${url}` }) })
    const paths = ['/1', '/2', '/3', '/4']
    const responses = await pipelined(
      port,
      paths.map((path) => ({ path })),
    )
    expect(responses.map(({ body }) => body)).toEqual(['app /1', 'not you', 'app /3', 'app /4'])
  })

  describe('a gate that returns next', () => {
    const gate = bound(async (exchange, next) => {
      exchange.setHeader('X-Gate', 'passed')
      return next
    })

    it('passes the request on, and has nobody listen to the response', async () => {
      const handler: AppHandler = ({ res }) => ({ body: `closed: ${res.listenerCount('close')}` })
      const [gated, bare] = [await framework.serve({ gate, handler }), await framework.serve({ handler })]
      const [response, plain] = [await request(gated.port), await request(bare.port)]
      expect(response).toMatchObject({ status: 200, headers: { 'x-gate': 'passed' }, body: plain.body })
    })

    it('leaves the errors of the app to the framework', async () => {
      const { port } = await framework.serve({ gate, handler: () => Promise.reject(new Error('boom')) })
      expect(await request(port)).toMatchObject({ status: 500, headers: { 'x-gate': 'passed' } })
    })

    it('asks the app once, where it has called it already', async () => {
      const handler = jest.fn(() => ({ body: 'once' }))
      const twice = bound(async (_exchange, next) => {
        await next()
        return next
      })
      const { port } = await framework.serve({ gate: twice, handler })
      await request(port)
      expect(handler).toHaveBeenCalledTimes(1)
    })
  })

  describe('an app that fails', () => {
    it('later, answers 500 with the headers of all gates', async () => {
      const handler: AppHandler = () => new Promise((_, reject) => setImmediate(() => reject(new Error('boom'))))
      const { port } = await framework.serve({ gate: bound(setting('X-First', '1'), setting('X-Second', '2')), handler })
      expect(await request(port)).toMatchObject({ status: 500, headers: { 'x-first': '1', 'x-second': '2' } })
    })

    it('leaves nothing of one request on an error that is thrown again for another', async () => {
      const shared = new Error('the same every time')
      const gate = bound(async (exchange, next) => {
        if (exchange.url === '/1') exchange.setHeader('X-Client', 'the first')
        exchange.setHeader('X-Gate', exchange.url)
        await next()
      })
      const { port } = await framework.serve({ gate, handler: () => Promise.reject(shared) })

      const responses = await pipelined(port, [{ path: '/1' }, { path: '/2' }])

      expect(responses.map(({ headers }) => [headers['x-gate'], headers['x-client']])).toEqual([
        ['/1', 'the first'],
        ['/2', undefined],
      ])
      expect(Object.hasOwn(shared, 'headers')).toBe(false)
    })

    if (framework.binding !== 'node') {
      it('answers with the headers of its error, which win over the gate’s', async () => {
        const headers = { 'X-Mine': 'error', 'X-Gate': 'error' }
        const error = Object.assign(new Error('not now'), { status: 503, headers })
        const gate = bound(setting('X-Gate', 'gate'), setting('X-Other', 'gate'))
        const { port } = await framework.serve({ gate, handler: () => Promise.reject(error) })

        expect(await request(port)).toMatchObject({
          status: 503,
          headers: { 'x-mine': 'error', 'x-gate': 'error', 'x-other': 'gate' },
        })
        expect(error.headers).toBe(headers)
      })
    }
  })

  it('never takes a gate that throws what Express reads as "go on" for one that passes', async () => {
    const handler = jest.fn<AppHandler>()
    const thrown: unknown = 'route'
    const { port } = await framework.serve({ gate: bound(() => Promise.reject(thrown)), handler })
    expect((await request(port)).status).toBe(500)
    expect(handler).not.toHaveBeenCalled()
  })

  it('answers 500 for a gate that throws before it returns a promise', async () => {
    const gate = bound(() => {
      throw new Error('boom')
    })
    const { port } = await framework.serve({ gate })
    expect((await request(port)).status).toBe(500)
  })

  it('rejects a second next(), and asks the app once', async () => {
    const handler = jest.fn(() => ({ body: 'once' }))
    const second = deferred<unknown>()
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

  if (framework.binding !== 'koa') {
    it('reports a gate that fails after it has passed the request on, and leaves the response as it is', async () => {
      const warned = deferred<unknown>()
      emitWarning.mockImplementationOnce(warned.resolve)
      const gate = bound(async (_exchange, next) => {
        await next()
        throw new Error('too late')
      })
      const { port } = await framework.serve({ gate })

      expect(await request(port)).toMatchObject({ status: 200, body: 'hello' })
      expect(await warned.promise).toContain('Error: too late')
    })
  }

  it('sets no header once the headers are sent', async () => {
    const handled = deferred()
    const gate = bound(async (exchange, next) => {
      await next()
      exchange.setHeader('X-Late', '1')
      handled.resolve()
    })
    const { port } = await framework.serve({
      gate,
      handler({ res }) {
        res.writeHead(200, { 'Content-Length': 0 }).end()
        return undefined
      },
    })

    expect((await request(port)).headers).not.toHaveProperty('x-late')
    await handled.promise
    expect(emitWarning).not.toHaveBeenCalled()
  })
})

function setting(name: string, value: string): Handler<unknown> {
  return async (exchange, next) => {
    exchange.setHeader(name, value)
    await next()
  }
}
