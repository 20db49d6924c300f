import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { gunzipSync } from 'node:zlib'
import { type AppHandler, type Bindings, chained, eachFramework } from '@holdfast/test/frameworks'
import { request } from '@holdfast/test/raw-http'
import { describe, expect, it } from '@jest/globals'
import compression from 'compression'
import cookieSession from 'cookie-session'
import session from 'express-session'
import koaCompress from 'koa-compress'
import { holding, teeing } from './capturing.ts'

const text = 'kelp '.repeat(1_000)

/** `compression`, and Koa's own like it. */
const compress: Bindings = {
  node: () => [connected(compression())],
  express: () => [compression()],
  koa: () => [koaCompress({ br: false, zstd: false, deflate: false })],
}

const sessions: [string, () => Connect][] = [
  ['cookie-session', () => connected(cookieSession({ keys: ['k'] }))],
  ['express-session', () => connected(session({ secret: 'k', resave: false, saveUninitialized: true }))],
]

/** As the responses that `inject` of Fastify makes end themselves. */
const endingByOwnMethods: Connect = (_req, res, next) => {
  const { end } = res
  Object.assign(res, {
    end(chunk: unknown) {
      if (chunk) res.write(chunk)
      Reflect.apply(end, res, [])
      return res.destroy()
    },
    destroy: () => res,
  })
  next()
}

const answers: [string, AppHandler][] = [
  ['in one piece', () => ({ body: text, headers: { 'Content-Type': 'text/plain' } })],
  ['as a stream', () => ({ stream: Readable.from([Buffer.from(text)]), headers: { 'Content-Type': 'text/plain' } })],
]

eachFramework((framework) => {
  it.each([0, 1_000])('looks sent while it is held, where a copy of up to %i bytes is kept behind', async (maxBytes) => {
    const looks: boolean[] = []
    const handler: AppHandler = ({ res }) => {
      res.write('a')
      looks.push(res.headersSent)
      res.end('b')
      looks.push(res.headersSent, res.writableEnded)
      return undefined
    }
    const { port } = await framework.serve({ gate: chained(holding().bindings, teeing({ maxBytes }).bindings), handler })
    expect((await request(port)).body).toBe('ab')
    expect(looks).toEqual([true, true, true])
  })

  it.each(['gzip', 'identity'])(
    'has a stream go on behind compression in front that keeps who waits to itself: %s',
    async (coding) => {
      const gates = [compress, holding().bindings, holding({ maxBytes: 0 }).bindings]
      const handler: AppHandler = () => ({ stream: Readable.from(['a', 'b', 'c']), headers: { 'Content-Type': 'text/plain' } })
      for (const gate of [chained(...gates), chained(...gates.filter((_, index) => index !== 1))]) {
        const { port } = await framework.serve({ gate, handler })
        const { bytes } = await request(port, { headers: { 'Accept-Encoding': coding } })
        expect(String(coding === 'gzip' ? gunzipSync(bytes) : bytes)).toBe('abc')
      }
    },
  )

  for (const [name, watch] of [['hold', holding] as const, ['tee', teeing] as const]) {
    describe(name, () => {
      const headers = { 'Accept-Encoding': 'gzip' }

      it.each(answers)('keeps what compression in front has yet to compress, %s', async (_name, handler) => {
        const { bindings, seen } = watch()
        const { port } = await framework.serve({ gate: chained(compress, bindings), handler })
        const answer = await request(port, { headers })
        expect(answer.headers).toMatchObject({ 'content-encoding': 'gzip', 'transfer-encoding': 'chunked' })
        expect(String(gunzipSync(answer.bytes))).toBe(text)
        const { outcome, rawHeaders, body } = await seen
        expect([outcome, String(body)]).toEqual(['complete', text])
        expect(rawHeaders).not.toContain('Content-Encoding')
      })

      it.each(answers)('keeps what compression behind has compressed, %s', async (_name, handler) => {
        const { bindings, seen } = watch()
        const { port } = await framework.serve({ gate: chained(bindings, compress), handler })
        const answer = await request(port, { headers })
        expect(answer.headers['content-encoding']).toBe('gzip')
        expect(String(gunzipSync(answer.bytes))).toBe(text)
        const { outcome, rawHeaders, body } = await seen
        expect(outcome).toBe('complete')
        expect(body?.equals(answer.bytes)).toBe(true)
        expect(rawHeaders).toEqual(expect.arrayContaining(['Content-Encoding', 'gzip']))
      })

      it('keeps one copy of a chunk that what is in front writes and ends by the methods of the response', async () => {
        const { bindings, seen } = watch()
        const handler: AppHandler = ({ res }) => void res.end('kelp')
        const { port } = await framework.serve({ gate: chained(connect(endingByOwnMethods), bindings), handler })
        expect((await request(port)).body).toBe('kelp')
        const { outcome, body } = await seen
        expect([outcome, String(body)]).toEqual(['complete', 'kelp'])
      })

      it('leaves a body that is too small for compression as it is', async () => {
        const { bindings } = watch()
        const { port } = await framework.serve({
          gate: chained(compress, bindings),
          handler: () => ({ body: 'kelp', headers: { 'Content-Type': 'text/plain' } }),
        })
        const answer = await request(port, { headers })
        expect([answer.body, answer.headers['content-encoding']]).toEqual(['kelp', undefined])
      })

      it('has compression wait, in front and behind, when a body is too large', async () => {
        const { bindings, seen } = watch({ maxBytes: 1_000 })
        const noise = Buffer.from(Uint8Array.from({ length: 300_000 }, (_, index) => ((index * 7919) % 251) ^ (index >> 8)))
        const { port } = await framework.serve({
          gate: chained(bindings, compress),
          handler: () => ({ stream: Readable.from([noise, noise]), headers: { 'Content-Type': 'text/plain' } }),
        })
        const answer = await request(port, { headers })
        expect(gunzipSync(answer.bytes).equals(Buffer.concat([noise, noise]))).toBe(true)
        expect(await seen).toEqual({ outcome: 'too-large' })
      })

      describe.each(sessions)('%s', (_name, make) => {
        const handler: AppHandler = ({ req }) => {
          const own: unknown = Reflect.get(req, 'session')
          Object.assign(Object(own), { user: 7 })
          return { body: 'hello' }
        }

        it.each(['in front', 'behind'])('%s sets its cookies once', async (where) => {
          const { bindings, seen } = watch()
          const middleware = connect(make())
          const gate = where === 'behind' ? chained(bindings, middleware) : chained(middleware, bindings)
          const { port } = await framework.serve({ gate, handler })
          const answer = await request(port)
          expect(answer).toMatchObject({ status: 200, body: 'hello' })
          const cookies = answer.rawHeaders.filter((name) => name.toLowerCase() === 'set-cookie')
          expect(cookies.length).toBe(_name === 'cookie-session' ? 2 : 1)
          const { outcome, rawHeaders = [], body } = await seen
          expect([outcome, String(body)]).toEqual(['complete', 'hello'])
          const isSeen = rawHeaders.some((name) => name.toLowerCase() === 'set-cookie')
          if (framework.binding !== 'koa') expect(isSeen).toBe(where === 'behind')
        })
      })

      it.each<[string, AppHandler]>([
        ['res.end', ({ res }) => void res.setHeader('X-Handler', '1').end('x')],
        ['writeHead', ({ res }) => void res.writeHead(200, { 'X-Handler': '1' }).end('x')],
        [
          'flushHeaders',
          ({ res }) => {
            res.setHeader('X-Handler', '1').flushHeaders()
            return void res.end('x')
          },
        ],
        ['the framework', () => ({ body: 'x', headers: { 'X-Handler': '1' } })],
      ])('runs hooks on the head once, from behind to the front: %s', async (_name, handler) => {
        const log: string[] = []
        const { bindings } = watch()
        const gate = chained(connect(hook(log, 'front')), connect(hook(log, 'second')), bindings, connect(hook(log, 'behind')))
        const { port } = await framework.serve({ gate, handler })
        const { headers: sent } = await request(port)
        expect(log).toEqual(['behind sees 1', 'second sees 1', 'front sees 1'])
        expect(sent['x-hooks']).toBe('behind second front')
      })
    })
  }
})

type Connect = (req: IncomingMessage, res: ServerResponse, next: (error?: unknown) => void) => void

/** A middleware of Express' kind, which uses nothing of Express. */
function connected(middleware: (...args: never[]) => unknown): Connect {
  return (req, res, next) => void Reflect.apply(middleware, undefined, [req, res, next])
}

function connect(middleware: Connect): Bindings {
  return {
    node: () => [middleware],
    express: () => [middleware],
    koa: () => [
      async (ctx, next) => {
        await new Promise<void>((resolve) => middleware(ctx.req, ctx.res, () => resolve()))
        await next()
      },
    ],
  }
}

/** What on-headers does. */
function hook(log: string[], name: string): Connect {
  return (_req, res, next) => {
    const { writeHead } = res
    let isFired = false
    const hooked = (status: number, reason?: unknown, headers?: unknown): unknown => {
      const given: unknown = typeof reason === 'string' ? headers : reason
      for (const [key, value] of Object.entries(Object(given))) res.setHeader(key, String(value))
      if (!isFired) {
        isFired = true
        log.push(`${name} sees ${String(res.getHeader('X-Handler'))}`)
        res.setHeader('X-Hooks', [res.getHeader('X-Hooks'), name].filter(Boolean).join(' '))
      }
      return Reflect.apply(writeHead, res, typeof reason === 'string' ? [status, reason] : [status])
    }
    Object.assign(res, { writeHead: hooked })
    next()
  }
}
