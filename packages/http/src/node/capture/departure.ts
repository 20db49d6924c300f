import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Readable } from 'node:stream'
import { isHttp2 } from '../version.ts'

/** Whether a stream is being piped into a response: `pipe` listens for it, and stops for good when the response closes. */
export function isPipedInto(res: ServerResponse): boolean {
  return res.listenerCount('unpipe') > 0
}

/**
 * Whether it was this side that closed a connection. Express' final handler does so when a response fails midway; it is none of HTTP/2,
 * where a stream that its client resets looks the same.
 */
export function isClosedByUs(socket: Socket, res: ServerResponse): boolean {
  if (isHttp2(res)) return false
  return socket.destroyed && !socket.readableEnded && (socket.errored ?? null) === null
}

/** Listens for the ways in which a response without a client stops, other than by its end or by `destroy`. */
export function onStopped(res: ServerResponse, socket: Socket, listener: () => void): void {
  onPipeStopped(res, listener)
  onDestroyAgain(socket, listener)
}

/** Listens for streams that are piped into a response from now on, and close before their end. */
export function onPipeStopped(res: ServerResponse, listener: () => void): void {
  res.on('pipe', (source: Readable) => {
    source.once('close', () => {
      if (!source.readableEnded) listener()
    })
  })
}

/** Express' final handler destroys the socket of a response that fails midway. A dead one says nothing of it. */
function onDestroyAgain(socket: Socket, listener: () => void): void {
  const known = listeners.get(socket)
  if (known !== undefined) {
    known.push(listener)
    return
  }
  const all = [listener]
  listeners.set(socket, all)
  const { destroy } = socket
  socket.destroy = (error?: Error): Socket => {
    for (const each of all) each()
    return Reflect.apply(destroy, socket, [error])
  }
}

const listeners = new WeakMap<Socket, (() => void)[]>()
