import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/**
 * Resolves once the response is out, or its client is gone.
 *
 * @param socket The request's, as it came: a client that sends the request on, undici's, takes it off it
 */
export function whenClosed(socket: Socket, res: ServerResponse): Promise<void> {
  if (res.destroyed || socket.destroyed) return Promise.resolve()
  return new Promise((resolve) => onClosed(socket, res, resolve))
}

/** Calls back once the response is out, or its client is gone; at once when it is gone already. */
export function onClosed(socket: Socket, res: Heard, listener: () => void): void {
  if (res.destroyed || socket.destroyed) return listener()
  const listeners = res[LISTENERS] ?? listenTo(res)
  listeners.push(listener)
  if (res.socket === null) listenBySocket(socket, listeners, listener)
}

type Heard = ServerResponse & { [LISTENERS]?: Listeners | undefined }
type Listeners = (() => void)[]

const LISTENERS: unique symbol = Symbol('close')

/** One listener, however many middlewares ask: more than ten would have Node warn of a leak. */
function listenTo(res: Heard): Listeners {
  const listeners: Listeners = []
  res[LISTENERS] = listeners
  res.on('close', () => {
    res[LISTENERS] = undefined // a response that is made again in the place of this one closes by itself
    for (const listener of listeners.splice(0)) listener()
  })
  return listeners
}

/** A pipelined response that waits for its turn has no socket yet, and Node never closes it when the client leaves before. */
function listenBySocket(socket: Socket, listeners: Listeners, listener: () => void): void {
  const waiting = waitingOn.get(socket) ?? listenToSocket(socket)
  function leave(): void {
    listeners.splice(listeners.indexOf(listener), 1)
    listener()
  }
  waiting.add(leave)
  listeners.push(() => waiting.delete(leave))
}

/** One listener here as well, however many requests are in the pipe. */
function listenToSocket(socket: Socket): Set<() => void> {
  const waiting = new Set<() => void>()
  waitingOn.set(socket, waiting)
  socket.once('close', () => {
    for (const listener of waiting) listener()
  })
  return waiting
}

const waitingOn = new WeakMap<Socket, Set<() => void>>()
