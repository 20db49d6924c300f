import type { Handler, HttpResponse } from '@holdfast/http'
import { bound, eachFramework } from '@holdfast/test/frameworks'
import { pipelined, request } from '@holdfast/test/raw-http'
import { expect, it } from '@jest/globals'
import { deferred } from './deferred.ts'

eachFramework((framework) => {
  it('keeps every byte of an answer in bytes', async () => {
    const whole = Uint8Array.from({ length: 300 }, (_, index) => index % 256)
    const { url } = await framework.serve({ gate: bound(answering({ status: 200, body: whole.subarray(20, 290) })) })

    const response = await fetch(url)

    expect(response.headers.get('content-length')).toBe('270')
    expect(Buffer.from(await response.arrayBuffer()).equals(whole.subarray(20, 290))).toBe(true)
  })

  it('guesses no Content-Type', async () => {
    const { port } = await framework.serve({ gate: bound(answering({ status: 503, body: '<down>' })) })
    expect((await request(port)).headers).not.toHaveProperty('content-type')
  })

  it.each([204, 304])('sends a %i without a body and without the headers of one', async (status) => {
    const headers = { 'Content-Type': 'text/plain', 'X-Kept': 'yes' }
    const { port } = await framework.serve({ gate: bound(answering({ status, headers, body: 'never' })) })

    const [first, second] = await pipelined(port, [{ path: '/1' }, { path: '/2' }])

    expect(first).toMatchObject({ status, body: '', headers: { 'x-kept': 'yes' } })
    expect(second?.status).toBe(status)
    for (const name of ['content-type', 'content-length', 'transfer-encoding']) expect(first?.headers).not.toHaveProperty(name)
  })

  // Koa strips a 205 of its Content-Length by itself: there, a client waits for the end of the connection.
  if (framework.binding !== 'koa') {
    it('sends a 205 without a body, and then the next response', async () => {
      const { port } = await framework.serve({ gate: bound(answering({ status: 205, body: 'never' })) })
      expect(await pipelined(port, [{}, {}])).toMatchObject([
        { status: 205, body: '', headers: { 'content-length': '0' } },
        { status: 205, body: '', headers: { 'content-length': '0' } },
      ])
    })
  }

  it('answers a request whose body nobody has read, and the one after it', async () => {
    const { port } = await framework.serve({ gate: bound(answering({ status: 413, body: 'too much' })) })
    const post = { method: 'POST', body: 'x'.repeat(50_000) }
    expect(await pipelined(port, [post, post])).toMatchObject([
      { status: 413, body: 'too much' },
      { status: 413, body: 'too much' },
    ])
  })

  it('sends the headers of the gates before the one that answers', async () => {
    const first: Handler<unknown> = async (exchange, next) => {
      exchange.setHeader('X-First', '1')
      await next()
    }
    const { port } = await framework.serve({ gate: bound(first, answering({ status: 429 })) })
    expect(await request(port)).toMatchObject({ status: 429, headers: { 'x-first': '1' } })
  })

  it('puts its fields in the place of those that gates before it have set, also where one of several lines is the same', async () => {
    const first: Handler<unknown> = (exchange, next) => {
      for (const name of ['X-Same', 'X-Other', 'X-Many', 'X-Before']) exchange.setHeader(name, '1')
      return next()
    }
    const rawHeaders = ['X-Same', '1', 'X-Other', '2', 'X-Many', '1', 'x-many', '2', 'Content-Length', '7', 'X-Own', '1']
    const answer = answering({ status: 200, rawHeaders, headers: { 'x-own': '2' }, body: 'hello' })
    const { port } = await framework.serve({ gate: bound(first, answer) })

    const { headers, body } = await request(port)

    expect(headers).toMatchObject({ 'x-same': '1', 'x-other': '2', 'x-many': '1, 2', 'x-before': '1', 'x-own': '2' })
    expect({ body, length: headers['content-length'] }).toEqual({ body: 'hello', length: '5' })
  })

  it('refuses to answer once the headers of a response are sent', async () => {
    const refusal = deferred<unknown>()
    const gate = bound(async (exchange, next) => {
      await next()
      try {
        exchange.respond({ status: 503 })
      } catch (error) {
        refusal.resolve(error)
      }
    })
    const sent = deferred()
    const { port } = await framework.serve({
      gate,
      handler({ res }) {
        res.writeHead(200, { 'Content-Length': 0 }).end(() => sent.resolve())
        return undefined
      },
    })

    expect(await request(port)).toMatchObject({ status: 200 })
    await sent.promise
    expect(String(await refusal.promise)).toBe('Error: The response cannot be a 503: the headers of another are sent already')
  })
})

function answering(response: HttpResponse): Handler<unknown> {
  return async (exchange) => exchange.respond(response)
}
