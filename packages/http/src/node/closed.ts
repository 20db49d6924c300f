import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/**
 * Resolves once the response is out, or its client is gone.
 *
 * @param socket The request's, as it came: a client that sends the request on, undici's, takes it off it
 */
export function whenClosed(socket: Socket, res: ServerResponse): Promise<void> {
  if (res.closed || socket.destroyed) return Promise.resolve()
  return new Promise((resolve) => onClosed(socket, res, resolve))
}

/** Calls back once the response is out, or its client is gone; at once when it is gone already. */
export function onClosed(socket: Socket, res: ServerResponse, listener: () => void): void {
  if (res.closed || socket.destroyed) return listener()
  res.once('close', listener)
  if (res.socket === null) listenBySocket(socket, res, listener)
}

/** A pipelined response that waits for its turn has no socket yet, and Node never closes it when the client leaves before. */
function listenBySocket(socket: Socket, res: ServerResponse, listener: () => void): void {
  const waiting = waitingOn.get(socket) ?? listenTo(socket)
  function leave(): void {
    res.off('close', listener)
    listener()
  }
  waiting.add(leave)
  res.once('close', () => waiting.delete(leave))
}

/** One listener, however many requests are in the pipe: more than ten would have Node warn of a leak. */
function listenTo(socket: Socket): Set<() => void> {
  const waiting = new Set<() => void>()
  waitingOn.set(socket, waiting)
  socket.once('close', () => {
    for (const listener of waiting) listener()
  })
  return waiting
}

const waitingOn = new WeakMap<Socket, Set<() => void>>()
