import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import {
  type ClientHttp2Session,
  connect,
  createServer,
  type IncomingHttpHeaders,
  type IncomingHttpStatusHeader,
  type OutgoingHttpHeaders,
  type ServerHttp2Session,
} from 'node:http2'
import type { Served } from './frameworks.ts'

export interface Http2Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** Asks over HTTP/2, on one connection of its own. Headers may have `:method`, `:path` and `:authority`. */
export interface Http2Client {
  readonly session: ClientHttp2Session
  request(headers: OutgoingHttpHeaders, body?: string): Promise<Http2Answer>
}

export async function listeningHttp2(listener: (req: IncomingMessage, res: ServerResponse) => unknown): Promise<Served> {
  const sessions = new Set<ServerHttp2Session>()
  const server = createServer((req, res) => {
    Reflect.apply(listener, undefined, [req, res]) // they are made to stand for those of node:http
  })
  server.on('session', (session) => {
    sessions.add(session)
    session.on('close', () => sessions.delete(session))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  async function stop(): Promise<void> {
    if (!server.listening) return
    server.close()
    await once(server, 'close')
  }
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    stop,
    async close() {
      for (const session of sessions) session.destroy()
      await stop()
    },
  }
}

/** Closed with the server. */
export function http2Client({ url }: Served): Http2Client {
  const session = connect(url)
  return {
    session,
    async request(asked, body) {
      const stream = session.request(asked, { endStream: body === undefined })
      if (body !== undefined) stream.end(body)
      const headers = await new Promise<IncomingHttpHeaders & IncomingHttpStatusHeader>((resolve, reject) => {
        stream.on('response', resolve).on('error', reject)
      })
      const chunks: unknown[] = await stream.toArray()
      return { status: headers[':status'] ?? 0, headers, body: chunks.join('') }
    },
  }
}
