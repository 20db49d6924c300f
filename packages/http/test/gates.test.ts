import { EventEmitter, once } from 'node:events'
import { ServerResponse } from 'node:http'
import { scheduler } from 'node:timers/promises'
import type { Exchange, Handler, HttpResponse } from '@holdfast/http'
import { toExpress } from '@holdfast/http/express'
import { toKoa } from '@holdfast/http/koa'
import { toNode } from '@holdfast/http/node'
import { type AppHandler, bound, eachFramework } from '@holdfast/test/frameworks'
import { pipelined, request, sent } from '@holdfast/test/raw-http'
import { describe, expect, it, jest } from '@jest/globals'

type Gate = Handler<unknown>

function answering(response: HttpResponse): Gate {
  return async (exchange) => exchange.respond(response)
}

const marking: Gate = (exchange, next) => {
  exchange.setHeader('X-Gate', 'seen')
  return next()
}

it('bears the name of its handler, which traces show', () => {
  expect([toNode(marking).name, toExpress(marking).name, toKoa(marking).name]).toEqual(['marking', 'marking', 'marking'])
})

eachFramework((framework) => {
  describe('a gate that answers', () => {
    const answers: [string, HttpResponse, string][] = [
      ['text', { status: 429, headers: { 'Content-Type': 'text/plain' }, body: 'später' }, 'später'],
      [
        'bytes',
        { status: 200, headers: { 'Content-Type': 'application/octet-stream' }, body: Buffer.from('--bytes--').subarray(2, 7) },
        'bytes',
      ],
      ['nothing', { status: 403, headers: { 'X-Why': 'because' } }, ''],
    ]
    it.each(answers)('sends %s with its length, and reaches no handler', async (_name, response, body) => {
      const handler = jest.fn<AppHandler>()
      const { port } = await framework.serve({ gate: bound(answering(response)), handler })
      const answer = await request(port)
      expect(answer).toMatchObject({ status: response.status, body })
      expect(answer.headers['content-length']).toBe(String(Buffer.byteLength(body)))
      for (const [name, value] of Object.entries(response.headers ?? {})) expect(answer.headers[name.toLowerCase()]).toBe(value)
      expect(answer.headers['content-type']).toBe(response.headers?.['Content-Type'])
      expect(handler).not.toHaveBeenCalled()
    })

    it('sends a HEAD request the headers without the body', async () => {
      const { port } = await framework.serve({ gate: bound(answering({ status: 429, body: 'refused' })) })
      const [head, get] = await pipelined(port, [{ method: 'HEAD' }, {}])
      expect(head).toMatchObject({ status: 429, headers: { 'content-length': '7' }, body: '' })
      expect(get).toMatchObject({ status: 429, body: 'refused' })
    })

    it('sends a 204 without a body', async () => {
      const { port } = await framework.serve({ gate: bound(answering({ status: 204, headers: { 'X-Why': 'done' } })) })
      const { status, headers } = await request(port)
      expect([status, headers['x-why'], headers['content-length'], headers['content-type']]).toEqual([
        204,
        'done',
        undefined,
        undefined,
      ])
    })
  })

  describe('a gate that passes on', () => {
    it('leaves the answer to the handler, with its own headers on it', async () => {
      const handler: AppHandler = ({ url }) => ({ status: 201, headers: { 'X-Handler': 'too' }, body: url })
      const { port } = await framework.serve({ gate: bound(marking), handler })
      expect(await request(port, { path: '/a?b=c' })).toMatchObject({
        status: 201,
        headers: { 'x-gate': 'seen', 'x-handler': 'too' },
        body: '/a?b=c',
      })
    })

    const failures: [string, AppHandler][] = [
      [
        'throws',
        () => {
          throw new Error('on purpose')
        },
      ],
      [
        'rejects',
        async () => {
          throw new Error('on purpose')
        },
      ],
      [
        'calls next with an error',
        ({ next }) => {
          next(new Error('on purpose'))
          return undefined
        },
      ],
    ]
    it.each(failures)('keeps its headers on the 500 of a handler that %s', async (_name, handler) => {
      const { port } = await framework.serve({ gate: bound(marking), handler })
      expect(await request(port)).toMatchObject({ status: 500, headers: { 'x-gate': 'seen' } })
    })

    it('wraps no method of the response, and finish fires once', async () => {
      const seen: unknown[] = []
      let finished = 0
      const handler: AppHandler = ({ res }) => {
        for (const name of ['write', 'end', 'writeHead', 'setHeader'] as const)
          seen.push(res[name] === ServerResponse.prototype[name])
        res.on('finish', () => {
          finished += 1
        })
        return { body: 'ok' }
      }
      const { port } = await framework.serve({ gate: bound(marking, marking), handler })
      await pipelined(port, [{}, {}])
      expect(seen).toEqual(Array.from({ length: 8 }, () => true))
      expect(finished).toBe(2)
    })

    it('learns when the response is out', async () => {
      const order: string[] = []
      let resolve = (): void => {}
      const over = new Promise<void>((done) => {
        resolve = done
      })
      const gate: Gate = async (_exchange, next) => {
        await next()
        order.push('after')
        resolve()
      }
      const handler: AppHandler = () => {
        order.push('handler')
        return { body: 'ok' }
      }
      const { port } = await framework.serve({ gate: bound(gate), handler })
      await request(port)
      await over
      expect(order).toEqual(['handler', 'after'])
    })
  })

  it('listens to a response once, however many gates wait for its end', async () => {
    const closed: number[] = []
    const gates = Array.from(
      { length: 12 },
      (_, place): Gate =>
        (exchange, next) => {
          exchange.onClose(() => closed.push(place))
          return next()
        },
    )
    const listening: number[] = []
    for (const count of [1, 12]) {
      const handler: AppHandler = ({ res }) => {
        listening.push(res.listenerCount('close'))
        return { body: 'ok' }
      }
      const { port } = await framework.serve({ gate: bound(...gates.slice(0, count)), handler })
      await request(port)
    }
    expect(listening[1]).toBe(listening[0])
    while (closed.length < 13) await scheduler.wait(1)
    expect(closed).toEqual([0, ...gates.keys()])
  })

  it('decides on pipelined requests one by one, in order', async () => {
    let count = 0
    const gate: Gate = async (exchange, next) => {
      count += 1
      const turn = count
      await new Promise((resolve) => {
        setImmediate(resolve)
      })
      if (turn <= 2) return next()
      exchange.respond({ status: 429, body: String(turn) })
    }
    const { port } = await framework.serve({ gate: bound(gate) })
    expect((await pipelined(port, [{}, {}, {}, {}])).map(({ status }) => status)).toEqual([200, 200, 429, 429])
  })

  it('answers 500 when a gate fails, and reaches no handler', async () => {
    const warnings = jest.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const handler = jest.fn<AppHandler>()
    for (const failure of [new Error('secret'), undefined]) {
      const { port } = await framework.serve({ gate: bound(failing(failure)), handler })
      const { status, body } = await request(port)
      expect(status).toBe(500)
      if (framework.binding !== 'express') expect(body).not.toContain('secret') // Express shows it outside production
    }
    expect(handler).not.toHaveBeenCalled()
    warnings.mockRestore()
  })

  it('reports a gate that fails after it has passed the request on, and leaves the answer as it is', async () => {
    const warnings = jest.spyOn(process, 'emitWarning').mockImplementation(() => {})
    let resolve = (): void => {}
    const over = new Promise<void>((done) => {
      resolve = done
    })
    const gate: Gate = async (exchange) => {
      exchange.respond({ status: 429, body: 'refused' })
      setImmediate(resolve)
      throw new Error('too late')
    }
    const { port } = await framework.serve({ gate: bound(gate) })
    expect(await request(port)).toMatchObject({ status: 429, body: 'refused' })
    await over
    expect(warnings.mock.calls.map(([message]) => String(message))).toEqual([expect.stringContaining('too late')])
    warnings.mockRestore()
  })

  it('knows the client by the proxies that the app trusts', async () => {
    const gate: Gate = async (exchange) => exchange.respond({ status: 200, body: String(exchange.ip) })
    const headers = { 'X-Forwarded-For': '203.0.113.9, 192.0.2.1' }
    const direct = await framework.serve({ gate: bound(gate) })
    expect((await request(direct.port, { headers })).body).toMatch(/^(::ffff:)?127\.0\.0\.1$/)
    const behind = await framework.serve({ gate: bound(gate), trustProxy: 1 })
    expect((await request(behind.port, { headers })).body).toBe('192.0.2.1')
  })

  it('tells a gate that its client has gone, and goes on serving', async () => {
    const exchanges: Exchange<unknown>[] = []
    let decide = (): void => {}
    const decided = new Promise<void>((resolve) => {
      decide = resolve
    })
    const arrivals = new EventEmitter()
    const gate: Gate = async (exchange, next) => {
      exchanges.push(exchange)
      arrivals.emit('request')
      await decided
      if (exchange.aborted) exchange.respond({ status: 200, body: 'to nobody' })
      else await next()
    }
    const { port } = await framework.serve({
      gate: bound(gate),
      handler: ({ res }) => {
        arrivals.emit('handled')
        return res.destroyed ? undefined : { body: 'ok' }
      },
    })
    const arrived = once(arrivals, 'request')
    const socket = await sent(port, [{}])
    await arrived
    expect(exchanges[0]?.aborted).toBe(false)
    socket.destroy()
    await aborted(exchanges[0])
    decide()
    expect((await request(port)).body).toBe('ok')
  })
})

function failing(failure: unknown): Gate {
  return async () => {
    throw failure
  }
}

/** Resolves once the server has seen that the client is gone: in real time, some milliseconds. */
async function aborted(exchange: Exchange<unknown> | undefined): Promise<void> {
  for (let gone = exchange?.aborted; gone === false; gone = exchange?.aborted) await scheduler.wait(1)
}
