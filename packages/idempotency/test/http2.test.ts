import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type ClientHttp2Session, connect, createServer, type OutgoingHttpHeaders } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { memoryAdapter } from '@holdfast/adapter/memory'
import { front } from '@holdfast/http/node'
import { idempotency as onKoa } from '@holdfast/idempotency/koa'
import { idempotency } from '@holdfast/idempotency/node'
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

const options = { scope: 'public', maxBodyBytes: 10 } as const
function inKoa(answer: Answer): Listener {
  const app = new Koa().use(onKoa({ adapter: memoryAdapter(), ...options }))
  app.use((ctx) => {
    ctx.respond = false
    ctx.res.statusCode = 200
    answer(ctx.req, ctx.res)
  })
  return app.callback()
}

const keyed = { ':method': 'POST', 'idempotency-key': 'k' }

describe.each([
  { name: 'front', make: (answer: Answer): Listener => front([idempotency({ adapter: memoryAdapter(), ...options })], answer) },
  { name: 'Koa', make: inKoa },
])('over HTTP/2, $name', ({ make }) => {
  it('runs a request once, replays its response, and refuses another body and one that is too large', async () => {
    let runs = 0
    const client = await serve(make((_req, res) => res.writeHead(201, { 'X-Run': ++runs }).end('made')))
    expect(await ask(client, keyed, 'body')).toMatchObject({ status: 201, head: { 'x-run': '1' }, body: 'made' })
    const again = await ask(client, keyed, 'body')
    expect(again).toMatchObject({ status: 201, head: { 'x-run': '1', 'idempotent-replayed': 'true' }, body: 'made' })
    expect((await ask(client, keyed, 'other')).status).toBe(422)
    expect((await ask(client, { ...keyed, 'idempotency-key': 'l' }, 'longer than ten')).status).toBe(413)
    expect(runs).toBe(1)
  })

  it('leaves the body to the handler', async () => {
    const client = await serve(make((req, res) => void req.toArray().then((chunks) => res.end(Buffer.concat(chunks)))))
    expect((await ask(client, keyed, 'body')).body).toBe('body')
  })

  it('keeps the response of a run whose client resets its stream', async () => {
    const open: ServerResponse[] = []
    let arrived = () => {}
    const arrival = new Promise<void>((resolve) => {
      arrived = resolve
    })
    const client = await serve(
      make((_req, res) => {
        open.push(res)
        res.once('close', arrived)
        res.write('pa')
        stream.close(8)
      }),
    )
    const stream = client.request(keyed, { endStream: true })
    await arrival
    open[0]?.end('id')
    expect(await ask(client, keyed)).toMatchObject({ status: 200, head: { 'idempotent-replayed': 'true' }, body: 'paid' })
    expect(open).toHaveLength(1)
  })
})
