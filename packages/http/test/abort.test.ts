import { once } from 'node:events'
import { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Exchange } from '@holdfast/http'
import { bound, eachFramework } from '@holdfast/test/frameworks'
import { request, sent } from '@holdfast/test/raw-http'
import { expect, it, jest } from '@jest/globals'
import { deferred } from './deferred.ts'

const emitWarning = jest.spyOn(process, 'emitWarning').mockImplementation(() => {})

eachFramework((framework) => {
  it('answers nobody when the client left before the gate has decided', async () => {
    const arrived = deferred<Exchange<unknown>>()
    const decided = deferred<boolean>()
    const gate = bound(async (exchange) => {
      if (exchange.url === '/') return exchange.respond({ status: 200, body: 'alive' })
      arrived.resolve(exchange)
      await once(socketOf(exchange), 'close')
      exchange.setHeader('X-Late', '1')
      exchange.respond({ status: 429, body: 'nobody reads this' })
      decided.resolve(exchange.aborted)
    })
    const { port } = await framework.serve({ gate })
    const socket = await sent(port, [{ path: '/slow' }])
    expect((await arrived.promise).aborted).toBe(false)

    socket.destroy()

    expect(await decided.promise).toBe(true)
    expect((await request(port)).body).toBe('alive')
    expect(emitWarning).not.toHaveBeenCalled()
  })

  it('resolves next() when the client left before it is called', async () => {
    const arrived = deferred()
    const passed = deferred()
    const gate = bound(async (exchange, next) => {
      arrived.resolve()
      await once(socketOf(exchange), 'close')
      await next()
      passed.resolve()
    })
    const { port } = await framework.serve({ gate })
    const socket = await sent(port, [{}])
    await arrived.promise

    socket.destroy()

    await passed.promise
  })

  it('resolves next() when the client leaves while the app works, also of requests that wait in the pipe', async () => {
    const started: string[] = []
    const passed: string[] = []
    const allStarted = deferred()
    const allPassed = deferred()
    const left = deferred()
    const gate = bound(async (exchange, next) => {
      await next()
      if (passed.push(exchange.url) === 3) allPassed.resolve()
    })
    const { port } = await framework.serve({
      gate,
      async handler({ url, req }) {
        req.socket.once('close', () => left.resolve())
        if (started.push(url) === 3) allStarted.resolve()
        await left.promise
        return { body: 'too late' }
      },
    })
    const socket = await sent(port, [{ path: '/1' }, { path: '/2' }, { path: '/3' }])
    await allStarted.promise
    expect(passed).toEqual([])

    socket.destroy()

    await allPassed.promise
    expect(new Set(passed)).toEqual(new Set(['/1', '/2', '/3']))
    expect(emitWarning).not.toHaveBeenCalled()
  })

  it('tells that an exchange is over while its handler still works, also of requests that wait in the pipe', async () => {
    const over = new Map<string, number | undefined>()
    const allStarted = deferred()
    const allOver = deferred()
    const end = deferred()
    let started = 0
    const gate = bound(async (exchange, next) => {
      exchange.onClose(() => {
        expect(over.has(exchange.url)).toBe(false)
        if (over.set(exchange.url, exchange.status).size === 4) allOver.resolve()
      })
      await next()
    })
    const { port } = await framework.serve({
      gate,
      async handler({ url }) {
        if (url === '/done') return { status: 202, body: 'done' }
        if (++started === 3) allStarted.resolve()
        await end.promise
        return { body: 'too late' }
      },
    })
    expect((await request(port, { path: '/done' })).body).toBe('done')
    const socket = await sent(port, [{ path: '/1' }, { path: '/2' }, { path: '/3' }])
    await allStarted.promise
    expect(over.has('/1')).toBe(false)

    socket.destroy()

    await allOver.promise
    expect(Object.fromEntries(over)).toEqual({ '/1': undefined, '/2': undefined, '/3': undefined, '/done': 202 })
    end.resolve()
  })

  it('takes an exchange for over whose response was destroyed while it waits in the pipe', async () => {
    const exchanges = new Map<string, Exchange<unknown>>()
    const destroyed = deferred()
    const end = deferred()
    const gate = bound(async (exchange, next) => {
      exchanges.set(exchange.url, exchange)
      return next
    })
    const { port } = await framework.serve({
      gate,
      async handler({ url, res }) {
        if (url === '/2') {
          res.destroy()
          destroyed.resolve()
        }
        await end.promise
        return { body: 'too late' }
      },
    })
    const socket = await sent(port, [{ path: '/1' }, { path: '/2' }])
    await destroyed.promise
    const over = jest.fn()

    exchanges.get('/1')?.onClose(over)
    expect(over).not.toHaveBeenCalled()
    exchanges.get('/2')?.onClose(over)

    expect(over).toHaveBeenCalledTimes(1)
    socket.destroy()
    end.resolve()
  })
})

function socketOf({ native }: Exchange<unknown>): Socket {
  const req: unknown = native instanceof IncomingMessage ? native : Reflect.get(Object(native), 'req')
  if (req instanceof IncomingMessage) return req.socket
  throw new TypeError('Neither a request nor a Koa context')
}
