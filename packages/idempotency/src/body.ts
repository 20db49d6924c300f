import type { IncomingMessage } from 'node:http'

export type ReadBody =
  | { readonly state: 'read'; readonly bytes: Buffer }
  | { readonly state: 'too-large' }
  /** The client left before it was whole. */
  | { readonly state: 'aborted' }

// A registered symbol: a second copy of this package finds what was put back as well.
const PUT_BACK: unique symbol = Symbol.for('holdfast.idempotency.body')

interface Reading {
  [PUT_BACK]?: Buffer
  /** Of a request over HTTP/2, whose `complete` tells only that it was read. */
  readonly stream?: { readonly readableEnded: boolean }
}

/** Whether somebody else has read of it already. */
export function isRead(request: IncomingMessage & Reading): boolean {
  return request[PUT_BACK] === undefined && (request.readableDidRead || request.readableEnded)
}

/** Reads the body of a request of up to `maxBytes`, and puts it back for whoever reads it later. */
export async function readBody(request: IncomingMessage & Reading, maxBytes: number): Promise<ReadBody> {
  const known = request[PUT_BACK]
  if (known !== undefined) return { state: 'read', bytes: known }
  await Promise.resolve() // by then Node has parsed what came with the head
  if (isWhole(request) && request.readableLength === 0) return { state: 'read', bytes: Buffer.alloc(0) }
  if (request.destroyed) return { state: 'aborted' }
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) return letPass(request)
  const read = await readAll(request, maxBytes)
  if (read.state === 'too-large') return letPass(request)
  if (read.state === 'read') request[PUT_BACK] = read.bytes
  return read
}

/** Whether all of a body has come. */
function isWhole({ complete, stream }: IncomingMessage & Reading): boolean {
  return complete || stream?.readableEnded === true
}

/**
 * Has the rest of a body come and go. An answer before that is lost where the connection ends with it: what then still comes is met by
 * a reset, for which a proxy that is sending, as nginx is, tells its client 502.
 */
function letPass(request: IncomingMessage): Promise<ReadBody> {
  return new Promise((resolve) => {
    const settle = () => {
      request.off('end', settle).off('error', settle).off('close', settle)
      resolve({ state: request.readableEnded ? 'too-large' : 'aborted' })
    }
    request.on('end', settle).on('error', settle).on('close', settle).resume()
  })
}

function readAll(request: IncomingMessage & Reading, maxBytes: number): Promise<ReadBody> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    const length = Number(request.headers['content-length'])
    let size = 0

    function settle(read: ReadBody): void {
      request.off('readable', take).off('end', finish).off('error', abort).off('close', abort)
      resolve(read)
    }

    function take(): void {
      // `read` of nothing, at the very end, would have the stream end before anything can be put back.
      while (request.readableLength > 0) {
        const chunk = bytesOf(request.read())
        chunks.push(chunk)
        size += chunk.length
      }
      if (size > maxBytes) settle({ state: 'too-large' })
      else if (isWhole(request) || size === length) finish()
    }

    /** In the same tick as the last `read`: the stream has not told of its end yet, and does so when it is read again. */
    function finish(): void {
      const bytes = Buffer.concat(chunks, size)
      if (size > 0) request.unshift(bytes)
      settle({ state: 'read', bytes })
    }

    function abort(): void {
      settle({ state: 'aborted' })
    }

    request.on('readable', take).on('end', finish).on('error', abort).on('close', abort)
  })
}

function bytesOf(chunk: unknown): Buffer {
  return Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk)) // a middleware in front may have set an encoding
}
