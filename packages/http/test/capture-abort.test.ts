import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, pipeline, Readable } from 'node:stream'
import type { Handler } from '@holdfast/http'
import { type AppHandler, type AppRequest, type AppResponse, bound, chained, eachFramework } from '@holdfast/test/frameworks'
import { request, sent } from '@holdfast/test/raw-http'
import { afterAll, describe, expect, it } from '@jest/globals'
import { holding, type Seen, teeing, type Watcher } from './capturing.ts'
import { deferred } from './deferred.ts'

const folder = mkdtempSync(join(tmpdir(), 'holdfast-http-'))
const file = join(folder, 'page.txt')
writeFileSync(file, 'filed')
afterAll(() => rmSync(folder, { recursive: true }))

type Work = (asked: AppRequest) => AppResponse | undefined | Promise<AppResponse | undefined>

eachFramework((framework) => {
  /** Has a client leave as soon as the handler says so by `leave()`, which resolves when the server has seen it. */
  async function abandoned(
    { bindings, seen }: Watcher,
    handle: (asked: AppRequest, leave: () => Promise<void>) => ReturnType<Work>,
  ): Promise<Seen> {
    const arrived = deferred()
    const handler: AppHandler = (asked) =>
      asked.url === '/alive'
        ? { body: 'alive' }
        : handle(asked, async () => {
            const gone = new Promise<void>((resolve) => {
              asked.req.socket.once('close', () => setImmediate(resolve))
            })
            arrived.resolve()
            await gone
          })
    const { port } = await framework.serve({ gate: bindings, handler })
    const socket = await sent(port, [{ method: 'POST' }])
    await arrived.promise
    socket.destroy()
    const result = await seen
    expect((await request(port, { path: '/alive' })).body).toBe('alive')
    return result
  }

  const whole: [string, string, Work][] = [
    ['answers', 'made', () => ({ status: 201, body: 'made' })],
    ['answers with JSON', '{"id":7}', () => ({ json: { id: 7 } })],
    ['answers with a stream', 'streamed', () => ({ stream: Readable.from([Buffer.from('str'), Buffer.from('eamed')]) })],
    ['answers with a file', 'filed', () => ({ file })],
    ['pipes', 'piped', ({ res }) => void Readable.from([Buffer.from('piped')]).pipe(res)],
    [
      'writes and ends',
      'a,b',
      ({ res }) => {
        res.writeHead(200)
        res.write('a,')
        res.end('b')
        return undefined
      },
    ],
    [
      'fails',
      'Internal Server Error',
      ({ res }) => {
        res.statusCode = 500
        return { status: 500, body: 'Internal Server Error' }
      },
    ],
  ]

  for (const [name, watch] of [['hold', holding] as const, ['tee', teeing] as const]) {
    it.each(whole)(`keeps all (${name}) of a handler that %s after its client has left`, async (_name, body, work) => {
      const seen = await abandoned(watch(), async (asked, leave) => {
        await leave()
        asked.res.statusCode = 200
        return work(asked)
      })
      expect({ ...seen, body: String(seen.body) }).toMatchObject({ outcome: 'complete', body })
    })

    it(`says that it was cut (${name}) when the handler destroys the response after its client has left`, async () => {
      const seen = await abandoned(watch(), async ({ res }, leave) => {
        await leave()
        res.destroy()
        return undefined
      })
      expect(seen).toEqual({ outcome: 'cut' })
    })

    it.each<[string, (source: PassThrough, asked: AppRequest) => AppResponse | undefined]>([
      ['a pipe', (source, { res }) => void source.pipe(res)],
      ['a pipeline', (source, { res }) => void pipeline(source, res, () => {})],
      ['a pipeline that ends the response nevertheless', (source, { res }) => void pipeline(source, res, () => res.end('sorry'))],
      ['the stream that it answers with', (source) => ({ stream: source })],
    ])(`says that it was cut (${name}) when the client leaves in the middle of %s`, async (_name, start) => {
      const source = new PassThrough()
      const result = abandoned(watch(), (asked, leave) => {
        const response = start(source, asked)
        source.write('half', () => void leave())
        return response
      })
      expect(await result).toEqual({ outcome: 'cut' })
    })
  }

  it('keeps all (hold) of an async iterator that goes on while its client leaves', async () => {
    const source = new PassThrough()
    const seen = await abandoned(holding(), async ({ res }, leave) => {
      pipeline(source[Symbol.asyncIterator](), res, () => {})
      source.write('before,')
      await leave()
      source.end('after')
      return undefined
    })
    expect({ ...seen, body: String(seen.body) }).toMatchObject({ outcome: 'complete', body: 'before,after' })
  })

  it('keeps all (hold) of a handler that goes on writing while its client leaves, and calls its callbacks', async () => {
    const called: string[] = []
    const seen = await abandoned(holding(), async ({ res }, leave) => {
      res.writeHead(200, { 'X-Whole': '1' })
      res.write('before,')
      await leave()
      expect(res.write('after,', () => called.push('write'))).toBe(true)
      res.end('end', () => called.push('end'))
      return undefined
    })
    expect({ ...seen, body: String(seen.body) }).toMatchObject({ outcome: 'complete', body: 'before,after,end' })
    await new Promise(setImmediate)
    expect(called).toEqual(['write', 'end'])
  })

  it('says at once that it was cut (tee) when the client leaves in the middle of what is written', async () => {
    const never = deferred<undefined>()
    const seen = await abandoned(teeing(), ({ res }, leave) => {
      res.writeHead(200)
      res.write('half')
      void leave()
      return framework.binding === 'koa' ? undefined : never.promise
    })
    expect(seen).toEqual({ outcome: 'cut' })
  })

  if (framework.binding !== 'koa') {
    it('says that it was cut (hold) when a handler fails in the middle, after its client has left', async () => {
      const seen = await abandoned(holding(), async ({ res }, leave) => {
        res.write('half')
        await leave()
        throw new Error('on purpose')
      })
      expect(seen).toEqual({ outcome: 'cut' })
    })
  }

  it.each<[string, (body: string) => Work]>([
    [
      'at its end',
      (body) =>
        ({ res }) =>
          void res.end(body),
    ],
    [
      'in pieces',
      (body) =>
        ({ res }) => {
          res.write(body)
          res.end(body)
          return undefined
        },
    ],
    ['by the framework', (body) => () => ({ body })],
  ])('says that it was too large (tee), %s, after its client has left', async (_name, make) => {
    const [outer, inner] = [teeing(), teeing({ maxBytes: 10 })]
    const both = { bindings: chained(outer.bindings, inner.bindings), seen: inner.seen }
    const seen = await abandoned(both, async (asked, leave) => {
      await leave()
      return make('x'.repeat(100))(asked)
    })
    expect(seen).toEqual({ outcome: 'too-large' })
    expect(await outer.seen).toMatchObject({ outcome: 'complete' })
  })

  it('keeps all (hold) when the client leaves after the end, and before the release', async () => {
    const ended = deferred()
    const outcome = deferred<string>()
    const { bindings } = holding({}, async (exchange, captured) => {
      if (exchange.url !== '/') return
      ended.resolve()
      while (!exchange.aborted) await new Promise(setImmediate)
      outcome.resolve(captured.outcome)
    })
    const { port } = await framework.serve({ gate: bindings, handler: () => ({ body: 'kept' }) })
    const socket = await sent(port, [{}])
    await ended.promise
    socket.destroy()
    expect(await outcome.promise).toBe('complete')
    expect((await request(port, { path: '/alive' })).body).toBe('kept')
  })

  it('keeps all of requests that wait in the pipe when the client leaves', async () => {
    const started: string[] = []
    const kept: string[] = []
    const allStarted = deferred()
    const allKept = deferred()
    const left = deferred()
    const gate: Handler<unknown> = async (exchange, next) => {
      const captured = await exchange.hold(next, { maxBytes: 100 })
      if (captured.outcome === 'complete') kept.push(String(captured.body))
      if (kept.length === 3) allKept.resolve()
    }
    const { port } = await framework.serve({
      gate: bound(gate),
      async handler({ url, req }) {
        req.socket.once('close', () => left.resolve())
        if (started.push(url) === 3) allStarted.resolve()
        await left.promise
        return { body: url }
      },
    })
    const socket = await sent(port, [{ path: '/1' }, { path: '/2' }, { path: '/3' }])
    await allStarted.promise
    socket.destroy()
    await allKept.promise
    expect(new Set(kept)).toEqual(new Set(['/1', '/2', '/3']))
  })

  describe('captures over each other', () => {
    const pairs: [string, Watcher, Watcher][] = [
      ['tee over hold', teeing(), holding()],
      ['hold over tee', holding(), teeing()],
      ['hold over hold', holding(), holding()],
      ['tee over tee', teeing(), teeing()],
    ]
    it.each(pairs)('both keep all: %s, of a client that stays', async (_name, outer, inner) => {
      const { port } = await framework.serve({
        gate: chained(outer.bindings, inner.bindings),
        handler: ({ res }) => {
          res.statusCode = 200
          res.write('a')
          res.end('b')
          return undefined
        },
      })
      expect((await request(port)).body).toBe('ab')
      for (const { seen } of [outer, inner]) expect(await seen).toMatchObject({ outcome: 'complete', body: Buffer.from('ab') })
    })

    const others: [string, () => Watcher, () => Watcher][] = [
      ['tee over hold', teeing, holding],
      ['hold over tee', holding, teeing],
      ['hold over hold', holding, holding],
      ['tee over tee', teeing, teeing],
    ]
    it.each(others)('both keep all: %s, of a client that leaves', async (_name, makeOuter, makeInner) => {
      const [outer, inner] = [makeOuter(), makeInner()]
      const both = { bindings: chained(outer.bindings, inner.bindings), seen: inner.seen }
      const work: Work = () => ({ body: 'made' })
      const seen = await abandoned(both, async (asked, leave) => {
        await leave()
        return work(asked)
      })
      expect(seen).toMatchObject({ outcome: 'complete', body: Buffer.from('made') })
      expect(await outer.seen).toMatchObject({ outcome: 'complete', body: Buffer.from('made') })
    })
  })
})
