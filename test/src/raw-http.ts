import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** A request as it goes over the wire. */
export interface RawRequest {
  /** Defaults to GET. */
  readonly method?: string
  /** Defaults to `/`. */
  readonly path?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

export interface RawResponse {
  readonly status: number
  readonly reason: string
  /** By their names in lower case; one that came several times is joined by `, `. */
  readonly headers: Readonly<Record<string, string>>
  /** As they came: names and values in turn. */
  readonly rawHeaders: readonly string[]
  readonly body: string
  readonly bytes: Buffer
  readonly trailers: Readonly<Record<string, string>>
  /** The statuses of the 1xx that came before it. */
  readonly hints: readonly number[]
}

/** Sends one request over a connection of its own. */
export async function request(port: number, rawRequest: RawRequest = {}): Promise<RawResponse> {
  const [response] = await pipelined(port, [rawRequest])
  if (response === undefined) throw new Error('One request, no response')
  return response
}

/**
 * Sends all requests in one write over one connection.
 *
 * @returns The responses, in the order of the requests
 */
export async function pipelined(port: number, requests: readonly RawRequest[]): Promise<RawResponse[]> {
  const socket = await sent(port, requests)
  try {
    return await answers(socket, requests)
  } finally {
    socket.destroy()
  }
}

/** Sends all requests in one write, and leaves the connection to the test: to read slowly, or to break off. */
export async function sent(port: number, requests: readonly RawRequest[]): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  socket.write(requests.map(serialized).join(''))
  return socket
}

function serialized({ method = 'GET', path = '/', headers = {}, body }: RawRequest): string {
  const length = body === undefined ? {} : { 'Content-Length': String(Buffer.byteLength(body)) }
  const lines = Object.entries({ Host: '127.0.0.1', ...length, ...headers }).map(([name, value]) => `${name}: ${value}\r\n`)
  return `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n${body ?? ''}`
}

async function answers(socket: Socket, requests: readonly RawRequest[]): Promise<RawResponse[]> {
  let received = ''
  for await (const chunk of socket.setEncoding('latin1')) {
    received += String(chunk)
    const responses = parsed(received, requests)
    if (responses.length === requests.length) return responses
  }
  throw new Error(`The connection ended after ${parsed(received, requests).length} of ${requests.length} responses`)
}

/** The responses that are complete. Latin-1 keeps bytes and characters the same, until a body is whole. */
function parsed(received: string, requests: readonly RawRequest[]): RawResponse[] {
  const responses: RawResponse[] = []
  let rest = received
  for (const { method } of requests) {
    const next = parsedOne(rest, method === 'HEAD')
    if (next === undefined) break
    responses.push(next.response)
    rest = next.rest
  }
  return responses
}

interface Parsed {
  readonly response: RawResponse
  readonly rest: string
}

function parsedOne(received: string, isHead: boolean, hints: readonly number[] = []): Parsed | undefined {
  const end = received.indexOf('\r\n\r\n')
  if (end === -1) return undefined
  const [statusLine = '', ...lines] = received.slice(0, end).split('\r\n')
  const [, code, ...words] = statusLine.split(' ')
  const [status, reason] = [Number(code), words.join(' ')]
  const rest = received.slice(end + 4)
  if (status < 200) return parsedOne(rest, isHead, [...hints, status]) // a hint, not yet the response
  const headers = parsedHeaders(lines)
  const framed = isHead || status === 204 || status === 304 ? { body: '', rest } : parsedBody(rest, headers)
  if (framed === undefined) return undefined
  const bytes = Buffer.from(framed.body, 'latin1')
  const trailers = parsedHeaders(framed.trailers ?? [])
  const rawHeaders = lines.flatMap(split)
  return { response: { status, reason, headers, rawHeaders, body: bytes.toString(), bytes, trailers, hints }, rest: framed.rest }
}

function parsedHeaders(lines: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const line of lines) {
    const [field, value] = split(line)
    const name = field.toLowerCase()
    headers[name] = name in headers ? `${headers[name]}, ${value}` : value
  }
  return headers
}

function split(line: string): [string, string] {
  const colon = line.indexOf(':')
  return [line.slice(0, colon), line.slice(colon + 1).trim()]
}

interface Framed {
  readonly body: string
  readonly trailers?: readonly string[]
  readonly rest: string
}

function parsedBody(received: string, headers: Readonly<Record<string, string>>): Framed | undefined {
  if (headers['transfer-encoding'] === 'chunked') return parsedChunks(received)
  const length = headers['content-length']
  if (length === undefined) throw new Error(`A response says nothing of its length: ${JSON.stringify(headers)}`)
  const end = Number(length)
  return received.length < end ? undefined : { body: received.slice(0, end), rest: received.slice(end) }
}

function parsedChunks(received: string): Framed | undefined {
  let body = ''
  let rest = received
  for (;;) {
    const end = rest.indexOf('\r\n')
    if (end === -1) return undefined
    const size = Number.parseInt(rest.slice(0, end), 16)
    const chunk = rest.slice(end + 2)
    if (size === 0) return withTrailers(body, chunk)
    if (chunk.length < size + 2) return undefined
    body += chunk.slice(0, size)
    rest = chunk.slice(size + 2)
  }
}

function withTrailers(body: string, received: string): Framed | undefined {
  if (received.startsWith('\r\n')) return { body, rest: received.slice(2) }
  const end = received.indexOf('\r\n\r\n')
  return end === -1 ? undefined : { body, trailers: received.slice(0, end).split('\r\n'), rest: received.slice(end + 4) }
}
