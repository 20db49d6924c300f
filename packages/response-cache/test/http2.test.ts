import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type ClientHttp2Session, connect, createServer, type OutgoingHttpHeaders } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { memoryAdapter } from '@holdfast/adapter/memory'
import { front } from '@holdfast/http/node'
import { responseCache as onKoa } from '@holdfast/response-cache/koa'
import { responseCache } from '@holdfast/response-cache/node'
import { afterEach, describe, expect, it } from '@jest/globals'
import Koa from 'koa'

type Listener = (req: IncomingMessage, res: ServerResponse) => unknown
/** What the app answers, by Node's own response. */
type Answer = Listener

const closing: (() => void)[] = []
afterEach(() => {
  for (const close of closing.splice(0)) close()
})

async function serve(listener: Listener): Promise<ClientHttp2Session> {
  const server = createServer((req, res) => {
    Reflect.apply(listener, undefined, [req, res])
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo // of a port
  const client = connect(`http://127.0.0.1:${port}`)
  closing.push(() => {
    client.destroy()
    server.close()
  })
  return client
}

async function ask(client: ClientHttp2Session, headers: OutgoingHttpHeaders, body?: string) {
  const stream = client.request(headers, { endStream: body === undefined })
  if (body !== undefined) stream.end(body)
  const [head] = await once(stream, 'response')
  const chunks = await stream.toArray()
  return { status: Number(head[':status']), head, body: Buffer.concat(chunks).toString() }
}

const options = { ttlMs: 60_000 }
function inKoa(answer: Answer): Listener {
  const app = new Koa().use(onKoa({ adapter: memoryAdapter(), ...options }))
  app.use((ctx) => {
    ctx.respond = false
    ctx.res.statusCode = 200
    answer(ctx.req, ctx.res)
  })
  return app.callback()
}

describe.each([
  { name: 'front', make: (answer: Answer): Listener => front([responseCache({ adapter: memoryAdapter(), ...options })], answer) },
  { name: 'Koa', make: inKoa },
])('over HTTP/2, $name', ({ make }) => {
  it('stores a response, and serves it: whole, in part, as unchanged, and to HEAD', async () => {
    let made = 0
    const client = await serve(make((_req, res) => res.writeHead(200, { ETag: '"1"' }).end(`page ${++made}`)))
    expect((await ask(client, {})).body).toBe('page 1')
    expect((await ask(client, {})).body).toBe('page 1')
    expect(await ask(client, { range: 'bytes=0-3' })).toMatchObject({ status: 206, body: 'page' })
    expect(await ask(client, { 'if-none-match': '"1"' })).toMatchObject({ status: 304, body: '' })
    expect(await ask(client, { ':method': 'HEAD' })).toMatchObject({ status: 200, head: { 'content-length': '6' }, body: '' })
  })

  it('keeps authorities apart, and a POST drops what is stored for its own', async () => {
    let made = 0
    const client = await serve(make((_req, res) => res.end(`page ${++made}`)))
    const at = async (authority: string, method = 'GET') =>
      (await ask(client, { ':authority': authority, ':method': method })).body
    expect([await at('a.test'), await at('b.test'), await at('a.test')]).toEqual(['page 1', 'page 2', 'page 1'])
    expect(await at('a.test', 'POST')).toBe('page 3')
    expect([await at('a.test'), await at('b.test')]).toEqual(['page 4', 'page 2'])
  })

  it('makes a response for a Host of its own, and for a GET with a body that does not say its length', async () => {
    let made = 0
    const client = await serve(make((_req, res) => res.end(`page ${++made}`)))
    expect((await ask(client, {})).body).toBe('page 1')
    expect((await ask(client, { host: 'other.test' })).body).toBe('page 2')
    expect((await ask(client, {}, 'content')).body).toBe('page 3')
    expect((await ask(client, {})).body).toBe('page 1')
  })

  it('lets a stream through as it is written, and stores it', async () => {
    let made = 0
    const open: ServerResponse[] = []
    const client = await serve(
      make((_req, res) => {
        made += 1
        res.write('first ')
        open.push(res)
      }),
    )
    const stream = client.request({})
    expect(String((await once(stream, 'data'))[0])).toBe('first ')
    open[0]?.end('second')
    stream.resume()
    await once(stream, 'close')
    expect((await ask(client, {})).body).toBe('first second')
    expect(made).toBe(1)
  })
})
