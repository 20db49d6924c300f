import { PassThrough, Readable } from 'node:stream'
import type { Captured } from '@holdfast/http'
import { type AppHandler, bound, eachFramework } from '@holdfast/test/frameworks'
import { request } from '@holdfast/test/raw-http'
import { describe, expect, it, jest } from '@jest/globals'
import { holding, teeing } from './capturing.ts'
import { deferred } from './deferred.ts'

const boom = (): Error => Object.assign(new Error('on purpose'), { stack: 'on purpose' }) // Express shows the stack

const failures: [string, AppHandler][] = [
  [
    'throws',
    () => {
      throw boom()
    },
  ],
  ['rejects', () => new Promise((_, reject) => setImmediate(() => reject(boom())))],
  [
    'calls next with an error',
    ({ next }) => {
      next(boom())
      return undefined
    },
  ],
]

eachFramework((framework) => {
  for (const [name, watch] of [['hold', holding] as const, ['tee', teeing] as const]) {
    describe(name, () => {
      if (framework.binding === 'koa') {
        it.each(failures)('rejects with the error of a handler that %s, and lets Koa answer it', async (_name, handler) => {
          const thrown = deferred<unknown>()
          const gate = bound(async (exchange, next) => {
            exchange.setHeader('X-Gate', 'seen')
            const captured =
              name === 'hold' ? exchange.hold(next, { maxBytes: 10 }) : exchange.tee(next, { maxBytes: 10, onHead })
            await captured.catch((error: unknown) => {
              thrown.resolve(error)
              throw error
            })
          })
          const { port } = await framework.serve({ gate, handler })
          expect(await request(port)).toMatchObject({ status: 500, headers: { 'x-gate': 'seen' } })
          expect(await thrown.promise).toMatchObject({ message: 'on purpose' })
        })

        it('lets a gate answer an error, which is dropped', async () => {
          const gate = bound(async (exchange, next) => {
            try {
              await (name === 'hold' ? exchange.hold(next, { maxBytes: 10 }) : exchange.tee(next, { maxBytes: 10, onHead }))
            } catch {
              exchange.respond({ status: 502, body: 'sorry' })
            }
          })
          const { port } = await framework.serve({ gate, handler: () => Promise.reject(boom()) })
          expect(await request(port)).toMatchObject({ status: 502, body: 'sorry' })
        })

        it('answers an error that comes after what was written to Node’s response', async () => {
          const handler: AppHandler = ({ res }) => {
            res.write('half')
            throw boom()
          }
          const { bindings } = watch()
          const { port } = await framework.serve({ gate: bindings, handler })
          if (name === 'hold') expect((await request(port)).status).toBe(500) // nothing was sent
        })

        it('sees the answer to a body that fails before its first byte', async () => {
          const { bindings, seen } = watch()
          const failing = (): Readable =>
            new Readable({
              read() {
                this.destroy(boom())
              },
            })
          const { port } = await framework.serve({ gate: bindings, handler: () => ({ stream: failing() }) })
          const answer = request(port).catch((error: unknown) => String(error)) // Koa 3 breaks the connection off
          if (name === 'hold') expect(await answer).toMatchObject({ status: 500 })
          expect(await seen).toMatchObject(name === 'hold' ? { outcome: 'complete', status: 500 } : { outcome: 'cut' })
          await answer
        })
      } else {
        it.each(failures)('sees the answer to a handler that %s', async (_name, handler) => {
          const { bindings, seen } = watch()
          const { port } = await framework.serve({ gate: bindings, handler })
          const answer = await request(port)
          expect(answer.status).toBe(500)
          expect(await seen).toMatchObject({ outcome: 'complete', status: 500, body: answer.bytes })
        })

        it.each(failures)('says that it was cut when a handler, in the middle of its answer, %s', async (_name, fail) => {
          const { bindings, seen } = watch()
          const handler: AppHandler = (asked) => {
            asked.res.writeHead(200, { 'Content-Length': 100 }).write('half')
            return fail(asked)
          }
          const { port } = await framework.serve({ gate: bindings, handler })
          await expect(request(port)).rejects.toThrow(/ended after 0|ECONNRESET/)
          expect(await seen).toEqual({ outcome: 'cut' })
        })
      }

      it('fails in the handler for a status that there is not, and for a header that cannot be', async () => {
        const errors: unknown[] = []
        const { bindings, seen } = watch()
        const handler: AppHandler = ({ res }) => {
          for (const args of [[99], [200, 'new\nline'], [200, { 'Bad Name': '1' }], [200, { 'X-Bad': 'a\nb' }]]) {
            try {
              Reflect.apply(res.writeHead, res, args)
            } catch (error) {
              errors.push(Reflect.get(Object(error), 'code'))
            }
          }
          res.statusCode = 200
          res.statusMessage = ''
          res.end('fine')
          return undefined
        }
        const { port } = await framework.serve({ gate: bindings, handler })
        expect(await request(port)).toMatchObject({ status: 200, body: 'fine' })
        expect(errors).toEqual(['ERR_HTTP_INVALID_STATUS_CODE', 'ERR_INVALID_CHAR', 'ERR_INVALID_HTTP_TOKEN', 'ERR_INVALID_CHAR'])
        expect(await seen).toMatchObject({ outcome: 'complete', body: Buffer.from('fine') })
      })

      it('fails in the handler for another length than it says, where that is strict', async () => {
        const errors: unknown[] = []
        const { bindings } = watch()
        const handler: AppHandler = ({ res }) => {
          res.strictContentLength = true
          res.writeHead(200, { 'Content-Length': 3 })
          try {
            res.write('four')
          } catch (error) {
            errors.push(Reflect.get(Object(error), 'code'))
          }
          res.end('all')
          return undefined
        }
        const { port } = await framework.serve({ gate: bindings, handler })
        expect((await request(port)).body).toBe('all')
        expect(errors).toEqual(['ERR_HTTP_CONTENT_LENGTH_MISMATCH'])
      })
    })
  }

  it('ends a stream that broke off, though nobody destroys the response', async () => {
    const outcome = deferred<Captured['outcome']>()
    const { bindings } = holding({}, (exchange, captured) => {
      outcome.resolve(captured.outcome)
      if (framework.binding === 'koa') exchange.respond({ status: 502, body: 'broken off' })
    })
    if (framework.binding !== 'koa') return // elsewhere it is the handler's to see that its source has broken off
    const source = new PassThrough()
    const handler: AppHandler = () => {
      setImmediate(() => source.destroy())
      return { stream: source }
    }
    const { port } = await framework.serve({ gate: bindings, handler })
    expect(await request(port)).toMatchObject({ status: 502, body: 'broken off' })
    expect(await outcome.promise).toBe('cut')
  })
})

const onHead = (): 'tee' => 'tee'

jest.spyOn(process, 'emitWarning').mockImplementation(() => {})
