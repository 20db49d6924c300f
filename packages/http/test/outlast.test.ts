import { once } from 'node:events'
import { Readable } from 'node:stream'
import { bound, eachFramework } from '@holdfast/test/frameworks'
import { request, sent } from '@holdfast/test/raw-http'
import { expect, it } from '@jest/globals'
import { deferred } from './deferred.ts'

eachFramework((framework) => {
  /** An app behind a handler that waits for it; `over` resolves when that is told. */
  function stage() {
    const [arrived, left, over] = [deferred(), deferred(), deferred()]
    const order: string[] = []
    const gate = bound(async (exchange, next) => {
      exchange.onClose(left.resolve)
      try {
        await exchange.outlast(next)
      } finally {
        order.push('over')
        over.resolve()
      }
    })
    return { arrived, left, over, order, gate }
  }

  it('waits for a handler that works on after its client has left', async () => {
    const { arrived, left, over, order, gate } = stage()
    const working = deferred()
    const { port } = await framework.serve({
      gate,
      async handler() {
        arrived.resolve()
        await working.promise
        order.push('done')
        return { body: 'nobody reads this' }
      },
    })
    const socket = await sent(port, [{}])
    await arrived.promise
    socket.destroy()
    await left.promise
    await new Promise(setImmediate)
    expect(order).toEqual([])
    working.resolve()
    await over.promise
    expect(order).toEqual(['done', 'over'])
  })

  it('is over before the client has read what was written', async () => {
    const { over, order, gate } = stage()
    const { port } = await framework.serve({ gate, handler: () => ({ body: Buffer.alloc(8_000_000) }) })
    const socket = await sent(port, [{}])
    socket.pause()
    await over.promise
    expect(order).toEqual(['over'])
    socket.destroy()
  })

  it('is over when a handler throws, also after its client has left', async () => {
    const { arrived, left, over, order, gate } = stage()
    const { port } = await framework.serve({
      gate,
      async handler({ url, next }) {
        if (url === '/left') {
          arrived.resolve()
          await left.promise
        }
        next(new Error('a bug'))
        return undefined
      },
    })
    const socket = await sent(port, [{ path: '/left' }])
    await arrived.promise
    socket.destroy()
    await over.promise
    expect(order.at(-1)).toBe('over')
    expect((await request(port)).status).toBe(500)
    expect(order.filter((each) => each === 'over')).toHaveLength(2)
  })

  it.each(['while a stream goes to it', 'before'])('is over when a client leaves %s', async (when) => {
    const { arrived, left, over, gate } = stage()
    const stream = new Readable({ read() {} })
    stream.push('first')
    const { port } = await framework.serve({
      gate,
      async handler() {
        arrived.resolve()
        if (when === 'before') await left.promise
        return { stream }
      },
    })
    const socket = await sent(port, [{}])
    await (when === 'before' ? arrived.promise : once(socket, 'data'))
    socket.destroy()
    await over.promise
  })

  it('is over when a handler breaks off the response', async () => {
    const { over, order, gate } = stage()
    const { port } = await framework.serve({
      gate,
      handler({ res }) {
        res.write('some of it', () => res.destroy())
        return undefined
      },
    })
    await expect(request(port)).rejects.toThrow('The connection ended')
    await over.promise
    expect(order).toEqual(['over'])
  })

  it('is over for a request in the pipe whose connection is gone', async () => {
    const { arrived, left, over, order, gate } = stage()
    const { port } = await framework.serve({
      gate,
      async handler({ url }) {
        if (url === '/first') return new Promise(() => {})
        arrived.resolve()
        await left.promise
        return { body: 'too late' }
      },
    })
    const socket = await sent(port, [{ path: '/first' }, { path: '/second' }])
    await arrived.promise
    socket.destroy()
    await over.promise
    expect(order).toEqual(['over'])
  })
})
