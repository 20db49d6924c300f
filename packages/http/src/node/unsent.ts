import { type IncomingMessage, ServerResponse } from 'node:http'
import { Duplex, Readable } from 'node:stream'

/** A response that goes to nobody, and its request. */
export interface Unsent {
  readonly req: IncomingMessage
  readonly res: ServerResponse
}

/** Made of a request whose own response is out. What is written to the response is dropped, and it ends as any other. */
export function unsent(request: IncomingMessage): Unsent {
  const socket = sinkFor(request)
  const own = { socket: { value: socket, writable: true }, connection: { value: socket } }
  const req: unknown = Object.create(request, own)
  if (!isMessage(req)) throw new TypeError('What is made of a request is one')
  const res = new ServerResponse(req)
  res.assignSocket(socket)
  res.once('finish', () => {
    res.detachSocket(socket)
    process.nextTick(close, res)
  })
  return { req, res }
}

function isMessage(value: unknown): value is IncomingMessage {
  return value instanceof Readable
}

function sinkFor({ socket }: IncomingMessage) {
  const sink = new Duplex({
    writableHighWaterMark: Number.MAX_SAFE_INTEGER, // it is never full: nothing stays in it
    read() {},
    write(_chunk, _encoding, callback) {
      callback()
    },
  })
  const { remoteAddress, remotePort } = socket
  const encrypted: unknown = Reflect.get(socket, 'encrypted')
  return Object.assign(sink, { remoteAddress, remotePort, encrypted }) as unknown as typeof socket // as much of one as a response uses
}

/** As Node's server does once a response is out. */
function close(res: ServerResponse): void {
  Reflect.set(res, 'destroyed', true)
  Reflect.set(res, '_closed', true)
  res.emit('close')
}

/** Has everything that is done with one response happen to another: handlers have the first one at hand, and know no other. */
export function forward(from: ServerResponse, to: ServerResponse): void {
  for (const name of namesOf(to)) {
    Object.defineProperty(from, name, {
      configurable: true,
      enumerable: true,
      get(): unknown {
        const value: unknown = Reflect.get(to, name)
        return typeof value === 'function' ? value.bind(to) : value
      },
      set(value: unknown) {
        Reflect.set(to, name, value)
      },
    })
  }
}

function namesOf(res: ServerResponse): Set<string> {
  const names = new Set<string>()
  for (let at: object | null = res; at !== null && at !== Object.prototype; at = Reflect.getPrototypeOf(at)) {
    for (const name of Object.getOwnPropertyNames(at)) if (name !== 'constructor') names.add(name)
  }
  return names
}
