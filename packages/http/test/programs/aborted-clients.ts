// Has clients leave while their responses are held or teed, and prints by how many bytes the heap has grown.
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { connect } from 'node:net'
import type { Handler } from '@holdfast/http'
import { toExpress } from '@holdfast/http/express'
import { toKoa } from '@holdfast/http/koa'
import express from 'express'
import Koa from 'koa'

const CLIENTS = 10_000
const AT_ONCE = 50
const body = 'x'.repeat(10_000)

const captured = { count: 0 }
const gate: Handler<unknown> = async (exchange, next) => {
  const options = { maxBytes: 100_000, onHead: (): 'tee' => 'tee' }
  await (exchange.url === '/hold' ? exchange.hold(next, options) : exchange.tee(next, options))
  captured.count++
}

/** Half of the handlers answer after their client has left, half never end what they have begun. */
const listeners: Record<string, () => RequestListener> = {
  express: () =>
    express()
      .use(toExpress(gate))
      .use((req, res) => {
        if (req.method === 'GET') req.socket.once('close', () => setImmediate(() => res.send(body)))
        else void req.pipe(res)
      }),
  koa() {
    const app = new Koa().use(toKoa(gate)).use(async (ctx) => {
      if (ctx.method === 'GET') await once(ctx.req.socket, 'close')
      ctx.body = ctx.method === 'GET' ? body : ctx.req
    })
    app.silent = true
    const callback = app.callback()
    return (req, res) => void callback(req, res)
  },
}

const server = createServer(listeners[process.argv[2] ?? '']?.()).listen(0, '127.0.0.1')
await once(server, 'listening')
const address = server.address()
const port = typeof address === 'object' && address !== null ? address.port : 0

const arrivals = new Map<number | undefined, () => void>()
server.on('request', ({ socket }) => {
  arrivals.get(socket.remotePort)?.()
  arrivals.delete(socket.remotePort)
})

async function leave(index: number): Promise<void> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  await once(socket, 'connect')
  const path = index % 2 === 0 ? '/hold' : '/tee'
  const head = index % 4 < 2 ? `GET ${path} HTTP/1.1\r\n` : `POST ${path} HTTP/1.1\r\nContent-Length: 100000\r\n`
  await new Promise<void>((resolve) => {
    arrivals.set(socket.localPort, resolve)
    socket.write(`${head}Host: a\r\n\r\n${index % 4 < 2 ? '' : body}`)
  })
  socket.destroy()
  await once(socket, 'close')
}

async function run(clients: number): Promise<void> {
  const until = captured.count + clients
  for (let index = 0; index < clients; index += AT_ONCE) {
    await Promise.all(Array.from({ length: AT_ONCE }, (_, offset) => leave(index + offset)))
  }
  while (captured.count < until) await new Promise(setImmediate)
}

function heap(): number {
  globalThis.gc?.()
  globalThis.gc?.()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

await run(1_000) // warms up
const before = heap()
await run(CLIENTS)
await new Promise(setImmediate)
console.log(JSON.stringify({ captured: captured.count, growth: heap() - before }))
server.close()
server.closeAllConnections()
