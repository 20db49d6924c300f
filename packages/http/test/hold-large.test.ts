import { PassThrough } from 'node:stream'
import { type AppHandler, eachFramework } from '@holdfast/test/frameworks'
import { request, sent } from '@holdfast/test/raw-http'
import { expect, it, jest } from '@jest/globals'
import { holding } from './capturing.ts'
import { deferred } from './deferred.ts'

const piece = 'x'.repeat(100)

eachFramework((framework) => {
  it('has a handler wait while onTooLarge works, sends nothing, and then streams', async () => {
    const events: string[] = []
    const allowed = deferred()
    const { bindings, seen } = holding({
      maxBytes: 250,
      async onTooLarge(head) {
        events.push(`too large: ${head.status}`)
        await allowed.promise
        events.push('allowed')
      },
    })
    const handler: AppHandler = ({ res }) => {
      res.writeHead(200)
      for (let index = 0; index < 3; index++) {
        const more = res.write(piece)
        events.push(String(more))
      }
      events.push(`needs drain: ${res.writableNeedDrain}`)
      res.once('drain', () => {
        events.push('drain')
        res.end('end')
      })
      setImmediate(() => allowed.resolve())
      return undefined
    }
    const { port } = await framework.serve({ gate: bindings, handler })
    expect((await request(port)).body).toBe(`${piece}${piece}${piece}end`)
    expect(events).toEqual(['true', 'true', 'too large: 200', 'false', 'needs drain: true', 'allowed', 'drain'])
    expect(await seen).toEqual({ outcome: 'too-large' })
  })

  it('stops a source while onTooLarge works', async () => {
    const reached = deferred()
    const allowed = deferred()
    let read = 0
    const { bindings } = holding({
      maxBytes: 100_000,
      async onTooLarge() {
        reached.resolve()
        await allowed.promise
      },
    })
    const source = new PassThrough({
      transform(chunk: Buffer, _encoding, callback) {
        read += chunk.length
        callback(null, chunk)
      },
    })
    const { port } = await framework.serve({ gate: bindings, handler: () => ({ stream: source }) })
    const answer = request(port)
    const chunk = Buffer.alloc(10_000, 'x')
    let written = 0
    const write = (): void => {
      while (written < 100 && source.write(chunk)) written++
      if (written >= 100) source.end()
    }
    source.on('drain', write)
    write()
    await reached.promise
    await new Promise(setImmediate)
    expect(read).toBeLessThan(300_000)
    allowed.resolve()
    expect((await answer).bytes.length).toBeGreaterThanOrEqual(1_000_000)
  })

  it.each<[string, AppHandler]>([
    ['res.end', ({ res }) => void res.writeHead(200, { 'Content-Length': 300 }).end(piece.repeat(3))],
    ['a lone res.end', ({ res }) => void res.end(piece.repeat(3))],
    ['the framework', () => ({ body: piece.repeat(3) })],
  ])('sends a body that is too large at once, by %s, whole and with its length', async (_name, handler) => {
    const onTooLarge = jest.fn(async () => {})
    const { bindings, seen } = holding({ maxBytes: 250, onTooLarge })
    const { port } = await framework.serve({ gate: bindings, handler })
    expect(await request(port)).toMatchObject({ body: piece.repeat(3), headers: { 'content-length': '300' } })
    expect(await seen).toEqual({ outcome: 'too-large' })
    expect(onTooLarge).toHaveBeenCalledTimes(1)
  })

  it('keeps the order of what a handler writes without waiting, and its callbacks', async () => {
    const written: number[] = []
    const { bindings } = holding({ maxBytes: 150, onTooLarge: () => new Promise(setImmediate) })
    const handler: AppHandler = ({ res }) => {
      for (let index = 0; index < 5; index++) res.write(`${index}${piece}`, () => written.push(index))
      res.end('end', () => written.push(5))
      return undefined
    }
    const { port } = await framework.serve({ gate: bindings, handler })
    expect((await request(port)).body).toBe(`0${piece}1${piece}2${piece}3${piece}4${piece}end`)
    await new Promise(setImmediate)
    expect(written).toEqual([0, 1, 2, 3, 4, 5])
  })

  it.each<[string, AppHandler]>([
    [
      'in pieces',
      ({ res }) => {
        res.write(piece.repeat(2))
        res.end(piece)
        return undefined
      },
    ],
    ['by the framework', () => ({ body: piece.repeat(3) })],
  ])('sends a body that is too large, %s, when onTooLarge fails, and reports that', async (_name, handler) => {
    const warned = deferred<unknown>()
    const emitWarning = jest.spyOn(process, 'emitWarning').mockImplementation((warning) => warned.resolve(warning))
    const { bindings } = holding({ maxBytes: 150, onTooLarge: () => Promise.reject(new Error('not committed')) })
    const { port } = await framework.serve({ gate: bindings, handler })
    expect((await request(port)).body).toBe(piece.repeat(3))
    expect(await warned.promise).toContain('not committed')
    emitWarning.mockRestore()
  })

  it('calls onTooLarge when the client has left, too', async () => {
    const left = deferred()
    const arrived = deferred()
    const onTooLarge = jest.fn(async () => {})
    const { bindings, seen } = holding({ maxBytes: 150, onTooLarge })
    const handler: AppHandler = async ({ req, res }) => {
      req.socket.once('close', () => left.resolve())
      arrived.resolve()
      await left.promise
      res.write(piece)
      res.write(piece)
      res.end()
      return undefined
    }
    const { port } = await framework.serve({ gate: bindings, handler })
    const socket = await sent(port, [{}])
    await arrived.promise
    socket.destroy()
    expect(await seen).toEqual({ outcome: 'too-large' })
    expect(onTooLarge).toHaveBeenCalledTimes(1)
  })
})
