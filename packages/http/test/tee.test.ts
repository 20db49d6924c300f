import { once } from 'node:events'
import { PassThrough, Readable } from 'node:stream'
import type { CaptureMode, Handler, ResponseHead } from '@holdfast/http'
import { type AppHandler, bound, eachFramework } from '@holdfast/test/frameworks'
import { request, sent } from '@holdfast/test/raw-http'
import { describe, expect, it, jest } from '@jest/globals'
import { teeing } from './capturing.ts'
import { deferred } from './deferred.ts'

eachFramework((framework) => {
  const streams: [string, (source: PassThrough) => AppHandler][] = [
    [
      'flushHeaders, then writes',
      (source) =>
        ({ res }) => {
          res.writeHead(200, { 'Content-Type': 'text/event-stream' }).flushHeaders()
          source.on('data', (chunk) => res.write(chunk)).on('end', () => res.end())
          return undefined
        },
    ],
    [
      'pipes',
      (source) =>
        ({ res }) =>
          void source.pipe(res),
    ],
    ['answers with a stream', (source) => () => ({ stream: source, headers: { 'Content-Type': 'text/event-stream' } })],
  ]

  it.each(streams)('delays no event of a handler that %s', async (_name, make) => {
    const source = new PassThrough()
    const { bindings, seen } = teeing()
    const { port } = await framework.serve({ gate: bindings, handler: make(source) })
    const socket = await sent(port, [{}])
    let received = ''
    socket.setEncoding('latin1').on('data', (data) => {
      received += String(data)
    })
    for (const event of ['data: 1\n\n', 'data: 2\n\n', 'data: 3\n\n']) {
      source.write(event)
      while (!received.includes(event)) await once(socket, 'data')
    }
    source.end()
    expect(await seen).toMatchObject({ outcome: 'complete', body: Buffer.from('data: 1\n\ndata: 2\n\ndata: 3\n\n') })
    socket.destroy()
  })

  it('keeps a whole copy while its client takes nothing', async () => {
    const { bindings, seen } = teeing({ maxBytes: 2 ** 24 })
    const chunks = Array.from({ length: 16 }, () => Buffer.alloc(2 ** 20))
    const { port } = await framework.serve({ gate: bindings, handler: () => ({ stream: Readable.from(chunks) }) })
    const socket = (await sent(port, [{}])).pause()
    expect((await seen).outcome).toBe('complete')
    socket.destroy()
  })

  it('tells handlers to wait for the client only when no copy is kept', async () => {
    const waits: boolean[] = []
    const chunk = Buffer.alloc(2 ** 20)
    const { bindings, seen } = teeing({ maxBytes: chunk.length })
    const handler: AppHandler = ({ res }) => {
      for (let count = 0; count < 2; count += 1) waits.push(!res.write(chunk))
      return void res.end()
    }
    const { port } = await framework.serve({ gate: bindings, handler })
    await request(port)
    expect([await seen, waits]).toEqual([{ outcome: 'too-large' }, [false, true]])
  })

  it('sends flushed headers before there is a body', async () => {
    const { bindings } = teeing()
    const handler: AppHandler = ({ res }) => {
      res.writeHead(200, { 'X-Early': '1' }).flushHeaders()
      return undefined
    }
    const { port } = await framework.serve({ gate: bindings, handler })
    const socket = await sent(port, [{}])
    const [head] = await once(socket, 'data')
    expect(String(head)).toContain('X-Early: 1')
    socket.destroy()
  })

  it.each<[string, AppHandler]>([
    ['a res.end', ({ res }) => void res.setHeader('X-Handler', '1').end('body')],
    ['a writeHead', ({ res }) => void res.writeHead(200, { 'X-Handler': '1' }).end('body')],
    ['the framework’s answer', () => ({ headers: { 'X-Handler': '1' }, body: 'body' })],
    ['the framework’s stream', () => ({ headers: { 'X-Handler': '1' }, stream: PassThrough.from([Buffer.from('body')]) })],
  ])('shows the head of %s once, with its Date, and takes changes', async (_name, handler) => {
    const heads: unknown[] = []
    const onHead = (head: ResponseHead): CaptureMode => {
      heads.push([head.status, head.getHeader('x-handler'), head.getHeader('date') !== undefined])
      head.setHeader('Age', '7')
      head.setHeader('Cache-Status', ['holdfast; hit', 'cdn; fwd=miss'])
      head.removeHeader('X-Handler')
      return 'tee'
    }
    const { bindings, seen } = teeing({ onHead })
    const { port } = await framework.serve({
      gate: bindings,
      handler: (asked) => {
        asked.res.statusCode = 200
        return handler(asked)
      },
    })
    const { headers, body } = await request(port)
    expect(heads).toEqual([[200, '1', true]])
    expect([headers['age'], headers['cache-status'], headers['x-handler'], body]).toEqual([
      '7',
      'holdfast; hit, cdn; fwd=miss',
      undefined,
      'body',
    ])
    expect(await seen).toMatchObject({ outcome: 'complete', body: Buffer.from('body') })
  })

  it.each<[string, AppHandler]>([
    ['at once', () => ({ body: 'x'.repeat(2_000) })],
    ['by its end', ({ res }) => void res.end('x'.repeat(2_000))],
    [
      'in pieces',
      ({ res }) => {
        for (let piece = 0; piece < 20; piece++) res.write('x'.repeat(100))
        res.end()
        return undefined
      },
    ],
    ['as a stream', () => ({ stream: PassThrough.from(Array.from({ length: 20 }, () => Buffer.alloc(100, 'x'))) })],
  ])('keeps nothing of a body over maxBytes that comes %s, and sends all of it', async (_name, handler) => {
    const { bindings, seen } = teeing({ maxBytes: 1_000 })
    const { port } = await framework.serve({ gate: bindings, handler })
    expect((await request(port)).body).toBe('x'.repeat(2_000))
    expect(await seen).toEqual({ outcome: 'too-large' })
  })

  it('keeps a body of exactly maxBytes', async () => {
    const { bindings, seen } = teeing({ maxBytes: 1_000 })
    const { port } = await framework.serve({ gate: bindings, handler: () => ({ body: 'x'.repeat(1_000) }) })
    await request(port)
    expect((await seen).body).toHaveLength(1_000)
  })

  it('keeps a copy, whatever the handler does with its buffer afterwards', async () => {
    const { bindings, seen } = teeing()
    const handler: AppHandler = ({ res }) => {
      const reused = Buffer.from('first,')
      res.write(reused, () => {
        reused.write('second')
        res.end(reused)
      })
      return undefined
    }
    const { port } = await framework.serve({ gate: bindings, handler })
    expect((await request(port)).body).toBe('first,second')
    expect(String((await seen).body)).toBe('first,second')
  })

  describe('a gate that validates what it stored', () => {
    const stored = { status: 200, headers: { ETag: '"1"', 'X-Stored': 'yes' }, body: 'stored' }
    const validating: Handler<unknown> = async (exchange, next) => {
      const { 'if-none-match': asked } = exchange.headers
      exchange.headers['if-none-match'] = '"1"'
      const putBack = (): void => {
        if (asked === undefined) delete exchange.headers['if-none-match']
        else exchange.headers['if-none-match'] = asked
      }
      const onHead = ({ status }: ResponseHead): CaptureMode => {
        putBack()
        return status === 304 ? 'hold' : 'tee'
      }
      const { outcome } = await exchange.tee(next, { maxBytes: 1_000, onHead })
      if (exchange.aborted || outcome !== 'complete' || exchange.url !== '/same') return
      exchange.respond({ ...stored, headers: { ...stored.headers, 'X-Asked': exchange.headers['if-none-match'] } })
    }

    const handler: AppHandler = ({ url, headers, res }) => {
      const etag = url === '/same' ? '"1"' : '"2"'
      if (framework.binding === 'express') return { body: 'fresh', headers: { ETag: etag } } // answers 304 by itself
      if (headers['if-none-match'] !== etag) return { body: 'fresh', headers: { ETag: etag } }
      res.statusCode = 304
      return { status: 304, headers: { ETag: etag, 'X-Handler': '1' } }
    }

    it('answers with what is stored in place of the 304, which reaches nobody', async () => {
      const { port } = await framework.serve({ gate: bound(validating), handler })
      const answer = await request(port, { path: '/same', headers: { 'If-None-Match': '"0"' } })
      expect(answer).toMatchObject({ status: 200, body: 'stored', headers: { 'x-stored': 'yes', 'x-asked': '"0"' } })
      expect(answer.headers).not.toHaveProperty('x-handler')
    })

    it('lets another answer pass', async () => {
      const { port } = await framework.serve({ gate: bound(validating), handler })
      expect(await request(port, { path: '/other' })).toMatchObject({ status: 200, body: 'fresh', headers: { etag: '"2"' } })
    })
  })

  it('lets the response pass when onHead fails, and reports that', async () => {
    const warned = deferred<unknown>()
    const emitWarning = jest.spyOn(process, 'emitWarning').mockImplementation((warning) => warned.resolve(warning))
    const onHead = (): CaptureMode => {
      throw new Error('on purpose')
    }
    const { bindings } = teeing({ onHead })
    const { port } = await framework.serve({ gate: bindings, handler: () => ({ status: 201, body: 'made' }) })
    expect(await request(port)).toMatchObject({ status: 201, body: 'made' })
    expect(await warned.promise).toContain('on purpose')
    emitWarning.mockRestore()
  })

  it('passes what was answered before it', async () => {
    const outcome = deferred<string>()
    const late = bound(async (exchange, next) => {
      const captured = await exchange.tee(next, { maxBytes: 100, onHead: () => 'tee' })
      outcome.resolve(captured.outcome)
    })
    const { port } = await framework.serve({
      gate: {
        node: () => [
          (_req, res, next) => {
            res.writeHead(200)
            next()
          },
          ...late.node(),
        ],
        express: () => [
          (_req, res, next) => {
            res.writeHead(200)
            next()
          },
          ...late.express(),
        ],
        koa: () => [
          (ctx, next) => {
            ctx.respond = false
            ctx.res.writeHead(200)
            return next()
          },
          ...late.koa(),
        ],
      },
      handler: ({ res }) => void res.end('late'),
    })
    expect((await request(port)).body).toBe('late')
    expect(await outcome.promise).toBe('passed')
  })
})
