import { once } from 'node:events'
import { PassThrough, Readable } from 'node:stream'
import { setTimeout as wait } from 'node:timers/promises'
import type { Captured } from '@holdfast/http'
import { type AppHandler, bound, chained, eachFramework } from '@holdfast/test/frameworks'
import { pipelined, request, sent } from '@holdfast/test/raw-http'
import { describe, expect, it, jest } from '@jest/globals'
import type { Middleware } from 'koa'
import { holding } from './capturing.ts'
import { deferred } from './deferred.ts'

const cookies: AppHandler = ({ res }) => {
  res.setHeader('X-Handler', '1')
  res.writeHead(200, ['Set-Cookie', 'a=1', 'X-Other', 'b', 'Set-Cookie', 'c=3'])
  res.write('first,')
  res.end('second')
  return undefined
}

eachFramework((framework) => {
  it('sends nothing before it is released, and all of it then', async () => {
    const held = deferred()
    const released = deferred()
    const { bindings } = holding({}, async (exchange) => {
      held.resolve()
      await released.promise
      exchange.release()
    })
    const { port } = await framework.serve({ gate: bindings, handler: cookies })
    let received = ''
    const socket = await sent(port, [{}])
    socket.on('data', (data) => {
      received += String(data)
    })
    await held.promise
    await wait(20) // in real time: what would have been sent is there by then
    expect(received).toBe('')
    released.resolve()
    await new Promise((resolve) => socket.once('data', resolve))
    expect(received).toContain('first,')
    socket.destroy()
  })

  it('keeps repeated headers, in order', async () => {
    const { bindings, seen } = holding()
    const { port } = await framework.serve({ gate: bindings, handler: cookies })
    const { headers, body } = await request(port)
    expect([headers['set-cookie'], headers['x-other'], headers['x-handler'], body]).toEqual([
      'a=1, c=3',
      'b',
      '1',
      'first,second',
    ])
    const { rawHeaders = [] } = await seen
    expect(rawHeaders.flatMap((name, at) => (name === 'Set-Cookie' ? [rawHeaders[at + 1]] : []))).toEqual(['a=1', 'c=3'])
  })

  it.each<[string, AppHandler]>([
    [
      'has begun to write',
      ({ res }) => {
        Object.assign(res, { statusCode: 202, statusMessage: 'On its way' }).write('all of it')
        Object.assign(res, { statusCode: 500, statusMessage: 'Too late' }).end()
        return undefined
      },
    ],
    [
      'has ended',
      ({ res }) => {
        Object.assign(res, { statusCode: 202, statusMessage: 'On its way' }).end('all of it')
        Object.assign(res, { statusCode: 500, statusMessage: 'Too late' })
        return undefined
      },
    ],
  ])('sends the status that it has seen, whatever a handler sets that %s', async (_what, handler) => {
    const { bindings, seen } = holding()
    const { port } = await framework.serve({ gate: bindings, handler })
    const socket = await sent(port, [{ headers: { Connection: 'close' } }])
    let received = ''
    for await (const data of socket) received += String(data)
    expect(received.split('\r\n')[0]).toBe('HTTP/1.1 202 On its way')
    expect((await seen).status).toBe(202)
  })

  it.each<[string, AppHandler]>([
    ['by res.end', ({ res }) => void res.setHeader('X-Handler', '1').end('kept')],
    ['by writeHead', ({ res }) => void res.writeHead(200, { 'X-Handler': '1' }).end('kept')],
    ['by the framework', () => ({ body: 'kept', headers: { 'X-Handler': '1' } })],
  ])('lets the gate change the headers of a response %s', async (_name, handler) => {
    const { bindings } = holding({}, (exchange, captured) => {
      exchange.setHeader('X-Gate', 'set')
      if (captured.outcome === 'complete') captured.head.removeHeader('X-Handler')
    })
    const { port } = await framework.serve({ gate: bindings, handler })
    const { headers, body } = await request(port)
    expect([headers['x-gate'], headers['x-handler'], body]).toEqual(['set', undefined, 'kept'])
  })

  it.each<[string, AppHandler]>([
    ['by res.end', ({ res }) => void res.setHeader('X-Handler', '1').end('dropped')],
    ['in pieces', cookies],
    ['by the framework', () => ({ status: 201, json: { dropped: true }, headers: { 'X-Handler': '1', 'X-Before': 'handler' } })],
  ])('lets the gate answer in place of a response %s', async (_name, handler) => {
    const { bindings } = holding({}, (exchange) => {
      const rawHeaders = ['Set-Cookie', 'x=1', 'Set-Cookie', 'y=2', 'Content-Type', 'text/plain']
      exchange.respond({ status: 203, rawHeaders, headers: { 'X-Replayed': 'true' }, body: Buffer.from('stored') })
    })
    const before = bound(async (exchange, next) => {
      exchange.setHeader('X-Before', 'gate')
      await next()
    })
    const { port } = await framework.serve({ gate: chained(before, bindings), handler })
    const [first, second] = await pipelined(port, [{}, {}])
    expect(first).toMatchObject({ status: 203, body: 'stored' })
    expect(second).toMatchObject({ status: 203, body: 'stored' })
    expect(first?.headers).toMatchObject({
      'x-before': 'gate',
      'x-replayed': 'true',
      'set-cookie': 'x=1, y=2',
      'content-length': '6',
      'content-type': 'text/plain',
    })
    expect(first?.headers).not.toHaveProperty('x-handler')
  })

  it('lets 1xx pass at once', async () => {
    const hinted = deferred()
    const { bindings } = holding()
    const handler: AppHandler = async ({ res }) => {
      res.writeProcessing()
      res.writeEarlyHints({ link: '</a.css>; rel=preload' })
      await hinted.promise
      res.writeHead(200).end('kept')
      return undefined
    }
    const { port } = await framework.serve({ gate: bindings, handler })
    const socket = await sent(port, [{}])
    let received = ''
    await new Promise<void>((resolve) => {
      socket.on('data', (data) => {
        received += String(data)
        if (received.includes('103 Early Hints')) hinted.resolve()
        if (received.includes('kept')) resolve()
      })
    })
    expect([...received.matchAll(/HTTP\/1.1 (\d+)/g)].map(([, status]) => status)).toEqual(['102', '103', '200'])
    socket.destroy()
  })

  it('keeps the order of pipelined requests while one is held', async () => {
    const gate = bound(async (exchange, next) => {
      await exchange.hold(next, { maxBytes: 100 })
      if (exchange.url === '/1') await wait(10) // in real time: the others are done by then
    })
    const { port } = await framework.serve({ gate, handler: ({ url }) => ({ body: url }) })
    const answers = await pipelined(port, [{ path: '/1' }, { path: '/2' }, { path: '/3' }])
    expect(answers.map(({ body }) => body)).toEqual(['/1', '/2', '/3'])
  })

  it('fires finish once, after the release, and calls the callbacks', async () => {
    const calls: string[] = []
    const finished = deferred()
    const { bindings } = holding({}, () => void calls.push('release'))
    const handler: AppHandler = ({ res }) => {
      res.on('finish', () => {
        calls.push('finish')
        finished.resolve()
      })
      res.write('a', () => calls.push('written'))
      res.end('b', () => calls.push('ended'))
      return undefined
    }
    const { port } = await framework.serve({ gate: bindings, handler })
    expect((await request(port)).body).toBe('ab')
    await finished.promise
    await request(port, { path: '/again' })
    expect(calls.filter((call) => call === 'finish')).toHaveLength(2)
    expect(new Set(calls.slice(0, 4))).toEqual(new Set(['ended', 'finish', 'release', 'written']))
    expect(calls.indexOf('release')).toBeLessThan(calls.indexOf('finish'))
  })

  it('lets a handler go on that waits for its response to be out, as those of proxies and of Next.js do', async () => {
    const wentOn = deferred()
    const { bindings } = holding()
    const handler: AppHandler = async ({ res }) => {
      const finished = once(res, 'finish')
      res.write('a')
      res.end('b')
      await finished
      wentOn.resolve()
      return undefined
    }
    const { port } = await framework.serve({ gate: bindings, handler })
    expect((await request(port)).body).toBe('ab')
    await wentOn.promise
  })

  if (framework.binding === 'koa') {
    it('gives the middlewares in front what a handler throws after its response is out', async () => {
      const caught = deferred<unknown>()
      const inFront: Middleware = (_ctx, next) => next().catch(caught.resolve)
      const { bindings } = holding()
      const handler: AppHandler = async ({ res }) => {
        const finished = once(res, 'finish')
        res.end('out')
        await finished
        throw new Error('late')
      }
      const gate = { ...bindings, koa: () => [inFront, ...bindings.koa()] }
      const { port } = await framework.serve({ gate, handler })
      expect(await request(port)).toMatchObject({ status: 404, body: 'out' }) // Koa's status, where nobody sets another
      expect(await caught.promise).toMatchObject({ message: 'late' })
    })
  }

  if (framework.binding === 'koa') {
    it.each([1_000, 1])('leaves the middlewares in front the object that a handler gave, up to %i bytes', async (maxBytes) => {
      const envelope: Middleware = async (ctx, next) => {
        await next()
        ctx['body'] = { data: ctx['body'] }
      }
      const { bindings } = holding({ maxBytes })
      const gate = { ...bindings, koa: () => [envelope, ...bindings.koa()] }
      const { port } = await framework.serve({ gate, handler: () => ({ json: { id: 7 } }) })
      expect(await request(port)).toMatchObject({ body: '{"data":{"id":7}}', headers: { 'content-length': '17' } })
    })
  }

  if (framework.name === 'Koa 2') {
    // Koa 3 leaves such errors to the app.
    it('answers the error of a stream that another was made of', async () => {
      const { bindings, seen } = holding()
      const handler: AppHandler = () => {
        const failing = new Readable({ read: () => void failing.destroy(new Error('on purpose')) })
        return { stream: failing }
      }
      const zip: Middleware = async (ctx, next) => {
        await next()
        ctx.body = ctx['body'].pipe(new PassThrough())
      }
      const gate = { ...bindings, koa: () => [...bindings.koa(), zip] }
      const { port } = await framework.serve({ gate, handler })
      expect((await request(port)).status).toBe(500)
      expect(await seen).toMatchObject({ outcome: 'complete', status: 500 })
    })
  }

  it('looks written to the handler', async () => {
    const states: unknown[] = []
    const { bindings } = holding()
    const handler: AppHandler = ({ res }) => {
      const look = (): unknown => [res.headersSent, res.writableEnded, res.writableFinished, res.writableNeedDrain, res.destroyed]
      states.push(look())
      expect(res.write('a')).toBe(true)
      states.push(look())
      expect(() => res.setHeader('X-Late', '1')).toThrow(expect.objectContaining({ code: 'ERR_HTTP_HEADERS_SENT' }))
      expect(() => res.writeHead(500)).toThrow(expect.objectContaining({ code: 'ERR_HTTP_HEADERS_SENT' }))
      res.end()
      states.push(look())
      res.end(() => states.push('ended again'))
      return undefined
    }
    const { port } = await framework.serve({ gate: bindings, handler })
    expect((await request(port)).body).toBe('a')
    expect(states).toEqual([
      [false, false, false, false, false],
      [true, false, false, false, false],
      [true, true, false, false, false],
      'ended again',
    ])
  })

  it('fails a write after the end, and sends what was written before', async () => {
    const failed = deferred<unknown>()
    const { bindings } = holding()
    const handler: AppHandler = ({ res }) => {
      res.on('error', failed.resolve)
      res.end('whole')
      expect(res.write('more')).toBe(false)
      return undefined
    }
    const { port } = await framework.serve({ gate: bindings, handler })
    expect((await request(port)).body).toBe('whole')
    expect(await failed.promise).toMatchObject({ code: 'ERR_STREAM_WRITE_AFTER_END' })
  })

  it('releases the response of a gate that fails after it, and reports the failure', async () => {
    const emitWarning = jest.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const { bindings } = holding({}, () => Promise.reject(new Error('commit failed')))
    const { port } = await framework.serve({ gate: bindings, handler: () => ({ status: 201, body: 'paid' }) })
    expect(await request(port)).toMatchObject({ status: 201, body: 'paid' })
    expect(String(emitWarning.mock.calls[0]?.[0])).toContain('commit failed')
    emitWarning.mockRestore()
  })

  it('is let out by server.close() while it is held', async () => {
    const closing = deferred<Promise<void>>()
    const { bindings } = holding({}, async () => {
      closing.resolve(stop())
      await wait(10) // in real time: the server has closed its idle connections by then
    })
    const { port, stop } = await framework.serve({ gate: bindings, handler: cookies })
    expect((await request(port, { headers: { Connection: 'close' } })).body).toBe('first,second')
    await closing.promise
  })

  describe('a response that stops before its end', () => {
    it.each<[string, AppHandler]>([
      [
        'is destroyed',
        ({ res }) => {
          res.write('half')
          res.destroy(new Error('on purpose'))
          return undefined
        },
      ],
      ['is destroyed before its head', ({ res }) => void res.destroy()],
      ['has less than it says', ({ res }) => void res.writeHead(200, { 'Content-Length': 10 }).end('half')],
    ])('%s: is seen as cut, and cut for the client too', async (_name, handler) => {
      const { bindings, seen } = holding()
      const { port } = await framework.serve({ gate: bindings, handler })
      await expect(request(port)).rejects.toThrow(/ended after 0|ECONNRESET/)
      expect(await seen).toEqual({ outcome: 'cut' })
    })

    it('can be answered instead', async () => {
      const { bindings } = holding({}, (exchange, { outcome }: Captured) => exchange.respond({ status: 502, body: outcome }))
      const handler: AppHandler = ({ res }) => {
        res.write('half')
        res.destroy()
        return undefined
      }
      const { port } = await framework.serve({ gate: bindings, handler })
      expect(await request(port)).toMatchObject({ status: 502, body: 'cut' })
    })
  })
})
