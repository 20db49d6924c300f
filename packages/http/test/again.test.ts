import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import type { Captured, Handler } from '@holdfast/http'
import { type AppHandler, bound, eachFramework } from '@holdfast/test/frameworks'
import { request } from '@holdfast/test/raw-http'
import { expect, it } from '@jest/globals'

const file = fileURLToPath(new URL('./fixture.txt', import.meta.url))

eachFramework((framework) => {
  /** Answers at once, and runs the later handlers afterwards. */
  async function afterwards(handler: AppHandler, { maxBytes = 1_000_000 } = {}) {
    const finishes: number[] = []
    let resolve: (captured: Captured) => void = () => {}
    let reject: (error: unknown) => void = () => {}
    const captured = new Promise<Captured>((settle, fail) => {
      resolve = settle
      reject = fail
    })
    captured.catch(() => {}) // a test looks at it later
    const answersFirst: Handler<unknown> = async (exchange, next) => {
      exchange.onClose(() => finishes.push(exchange.status ?? 0))
      exchange.respond({ status: 200, headers: { 'X-From': 'before' }, body: 'at once' })
      exchange.again(next, { maxBytes, onHead: () => 'tee' }).then(resolve, reject)
    }
    const { port } = await framework.serve({ gate: bound(answersFirst), handler })
    expect(await request(port)).toMatchObject({ status: 200, body: 'at once' })
    return { captured, finishes }
  }

  const answers: [string, AppHandler, string][] = [
    ['text', () => ({ status: 201, headers: { 'X-Own': '1' }, body: 'later' }), 'later'],
    ['JSON', () => ({ status: 201, headers: { 'X-Own': '1' }, json: { a: 1 } }), '{"a":1}'],
    ['a stream', () => ({ status: 201, headers: { 'X-Own': '1' }, stream: Readable.from(['la', 'ter']) }), 'later'],
    ['a file', () => ({ status: 201, headers: { 'X-Own': '1' }, file }), 'a fixture\n'],
    [
      'what is written to Node',
      ({ res }) => {
        res.writeHead(201, { 'X-Own': '1' })
        createReadStream(file).pipe(res)
        return undefined
      },
      'a fixture\n',
    ],
  ]

  it.each(answers)(
    'keeps %s that handlers answer when the client has its answer, which hears nothing of it',
    async (_, handler, body) => {
      const { captured, finishes } = await afterwards(handler)
      const again = await captured
      if (again.outcome !== 'complete') throw new Error(`It was ${again.outcome}`)
      expect(again.status).toBe(201)
      expect(again.body.toString()).toBe(body)
      const names = again.rawHeaders.filter((_name, index) => index % 2 === 0).map((name) => name.toLowerCase())
      expect(names).toEqual(expect.arrayContaining(['x-own', 'date']))
      expect(names).not.toContain('x-from')
      expect(finishes).toEqual([200])
    },
  )

  it('gives handlers a response that has not begun, and finishes and closes as any other', async () => {
    const states: unknown[] = []
    const { captured } = await afterwards(({ res }) => {
      const { headersSent, writableEnded, writableFinished, destroyed, closed } = res
      states.push({ headersSent, writableEnded, writableFinished, destroyed, closed, from: res.getHeader('x-from') })
      res.once('finish', () => states.push('finish'))
      res.once('close', () => states.push('close'))
      res.end('later')
      return undefined
    })
    expect(await captured).toMatchObject({ outcome: 'complete', status: framework.binding === 'koa' ? 404 : 200 })
    while (states.length < 3) await new Promise(setImmediate)
    const begun = { headersSent: false, writableEnded: false, writableFinished: false, destroyed: false, closed: false }
    expect(states).toEqual([{ ...begun, from: undefined }, 'finish', 'close'])
  })

  it('drops what is larger than maxBytes, with the stream that it comes from read to its end', async () => {
    const stream = Readable.from(Array.from({ length: 100 }, () => Buffer.alloc(1_000)))
    const { captured } = await afterwards(() => ({ stream }), { maxBytes: 10_000 })
    expect(await captured).toEqual({ outcome: 'too-large' })
    if (!stream.closed) await once(stream, 'close')
    expect(stream.readableEnded).toBe(true)
  })

  it('tells of handlers that fail', async () => {
    const { captured } = await afterwards(({ next }) => {
      next(new Error('failed'))
      return undefined
    })
    if (framework.binding === 'koa') await expect(captured).rejects.toThrow('failed')
    else expect(await captured).toMatchObject({ outcome: 'complete', status: 500 })
  })
})
