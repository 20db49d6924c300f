import { once } from 'node:events'
import type { Handler } from '@holdfast/http'
import { toKoa } from '@holdfast/http/koa'
import { request } from '@holdfast/test/raw-http'
import { expect, it } from '@jest/globals'
import Koa from 'koa'

const TEXT = { headers: { 'Content-Type': 'text/css' } }

const bodies: [string, () => unknown, { status: number; type: string }][] = [
  ['Blob', () => new Blob(['made'], { type: 'text/css' }), { status: 200, type: 'text/css; charset=utf-8' }],
  ['ReadableStream', () => new Blob(['made']).stream(), { status: 200, type: 'application/octet-stream' }],
  ['Response', () => new Response('made', { status: 201, ...TEXT }), { status: 201, type: 'text/css' }],
]

const gates: [string, Handler<unknown>][] = [
  ['passes it', async (exchange, next) => void (await exchange.tee(next, { maxBytes: 100, onHead: () => 'pass' }))],
  ['tees it', async (exchange, next) => void (await exchange.tee(next, { maxBytes: 100, onHead: () => 'tee' }))],
  ['finds it too large to tee', async (exchange, next) => void (await exchange.tee(next, { maxBytes: 1, onHead: () => 'tee' }))],
  ['holds it', async (exchange, next) => void (await exchange.hold(next, { maxBytes: 100 }))],
  ['finds it too large to hold', async (exchange, next) => void (await exchange.hold(next, { maxBytes: 1 }))],
]

for (const [name, body, { status, type }] of bodies) {
  it.each(gates)(`sends the ${name} that Koa 3 takes for a body, where a gate %s`, async (_, gate) => {
    const app = new Koa()
    app.use(toKoa(gate))
    app.use((ctx) => {
      ctx.body = body()
    })
    const server = app.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    const response = await request(typeof address === 'object' && address !== null ? address.port : 0)
    server.close()
    expect([response.status, response.headers['content-type'], response.body]).toEqual([status, type, 'made'])
  })
}
