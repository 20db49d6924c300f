import type { Handler } from '@holdfast/http'
import { bound, eachFramework } from '@holdfast/test/frameworks'
import { request } from '@holdfast/test/raw-http'
import { expect, it } from '@jest/globals'

const held: Handler<unknown> = async (exchange, next) => {
  const captured = await exchange.hold(next, { maxBytes: 0 })
  exchange.setHeader('X-Outcome', captured.outcome)
  exchange.setHeader('X-Aborted', String(exchange.aborted))
}

const teed: Handler<unknown> = async (exchange, next) => {
  await exchange.tee(next, { maxBytes: 100, onHead: () => 'tee' })
}

eachFramework((framework) => {
  it.each([
    ['held', held],
    ['teed', teed],
  ])('answers a request whose socket was taken off it, as undici does once it has sent it on: %s', async (_, handler) => {
    const { port } = await framework.serve({
      gate: bound(handler),
      handler: async ({ req }) => {
        for await (const chunk of req) void chunk
        Reflect.set(req, 'socket', null)
        return { body: 'sent on' }
      },
    })
    const { status, body } = await request(port, { method: 'POST', headers: { 'Content-Length': '3' }, body: 'abc' })
    expect([status, body]).toEqual([200, 'sent on'])
  })
})
