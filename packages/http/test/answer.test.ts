import type { Handler, HttpResponse } from '@holdfast/http'
import { bound, eachFramework } from '@holdfast/test/frameworks'
import { pipelined, request } from '@holdfast/test/raw-http'
import { beforeEach, describe, expect, it, jest } from '@jest/globals'

const emitWarning = jest.spyOn(process, 'emitWarning').mockImplementation(() => {})

beforeEach(() => {
  emitWarning.mockClear()
})

eachFramework((framework) => {
  describe('an answer from the gate', () => {
    it('goes out whole, and the app is not asked', async () => {
      const handler = jest.fn(() => ({ body: 'from the app' }))
      const gate = bound(
        answering({
          status: 429,
          headers: { 'Content-Type': 'application/problem+json', 'Retry-After': '7' },
          body: '{"title":"Zu viele ✋"}',
        }),
      )
      const { port } = await framework.serve({ gate, handler })

      const { status, headers, body } = await request(port)

      expect({ status, body }).toEqual({ status: 429, body: '{"title":"Zu viele ✋"}' })
      expect(headers).toMatchObject({
        'content-type': 'application/problem+json',
        'content-length': '25',
        'retry-after': '7',
      })
      expect(handler).not.toHaveBeenCalled()
    })

    it('keeps every byte of a body in bytes', async () => {
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

    it('has a Content-Length of 0 without a body', async () => {
      const { port } = await framework.serve({ gate: bound(answering({ status: 429 })) })
      const { status, headers, body } = await request(port)
      expect({ status, body, length: headers['content-length'] }).toEqual({ status: 429, body: '', length: '0' })
      expect(headers).not.toHaveProperty('content-type')
    })

    it.each([204, 304])('sends a %i without a body and what belongs to one', async (status) => {
      const headers = { 'Content-Type': 'text/plain', 'X-Kept': 'yes' }
      const { port } = await framework.serve({ gate: bound(answering({ status, headers, body: 'never' })) })

      const [first, second] = await pipelined(port, [{ path: '/1' }, { path: '/2' }])

      expect(first).toMatchObject({ status, body: '', headers: { 'x-kept': 'yes' } })
      expect(second?.status).toBe(status)
      for (const name of ['content-type', 'content-length', 'transfer-encoding']) expect(first?.headers).not.toHaveProperty(name)
    })

    it('sends a 205 with a Content-Length of 0', async () => {
      const { port } = await framework.serve({ gate: bound(answering({ status: 205, body: 'never' })) })
      expect(await request(port)).toMatchObject({ status: 205, body: '', headers: { 'content-length': '0' } })
    })

    it('tells a HEAD request the length and sends no body', async () => {
      const { port } = await framework.serve({ gate: bound(answering({ status: 429, body: 'slow down' })) })

      const responses = await pipelined(port, [{ method: 'HEAD' }, { method: 'GET' }])

      expect(responses.map(({ status, headers, body }) => [status, headers['content-length'], body])).toEqual([
        [429, '9', ''],
        [429, '9', 'slow down'],
      ])
    })

    it('answers a request whose body nobody has read, and the next one', async () => {
      const { port } = await framework.serve({ gate: bound(answering({ status: 413, body: 'too much' })) })
      const post = { method: 'POST', body: 'x'.repeat(50_000) }
      const responses = await pipelined(port, [post, post])
      expect(responses.map(({ status, body }) => [status, body])).toEqual([
        [413, 'too much'],
        [413, 'too much'],
      ])
    })

    it('comes with the headers of the gates before it', async () => {
      const first: Handler<unknown> = async (exchange, next) => {
        exchange.setHeader('X-First', '1')
        await next()
      }
      const { port } = await framework.serve({ gate: bound(first, answering({ status: 429 })) })
      expect(await request(port)).toMatchObject({ status: 429, headers: { 'x-first': '1' } })
    })

    it('stands, even if the handler fails after it', async () => {
      const gate = bound(async (exchange) => {
        exchange.respond({ status: 429, body: 'slow down' })
        throw new Error('too late')
      })
      const { port } = await framework.serve({ gate })

      expect(await request(port)).toMatchObject({ status: 429, body: 'slow down' })
      expect(emitWarning).toHaveBeenCalledTimes(1)
      expect(emitWarning.mock.calls[0]?.[0]).toContain('Error: too late')
    })
  })

  it('refuses to answer once the headers of a response are sent', async () => {
    const refusal = new Promise<unknown>((resolve) => {
      const gate = bound(async (exchange, next) => {
        await next()
        try {
          exchange.respond({ status: 503 })
        } catch (error) {
          resolve(error)
        }
      })
      void framework
        .serve({ gate, handler: ({ res }) => void res.writeHead(200, { 'Content-Length': 0 }).end() })
        .then(({ port }) => request(port))
    })
    expect(String(await refusal)).toBe('Error: The response cannot be a 503: the headers of another are sent already')
  })
})

function answering(response: HttpResponse): Handler<unknown> {
  return async (exchange) => exchange.respond(response)
}
