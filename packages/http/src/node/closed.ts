import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** Resolves once the response is out, or its client is gone. */
export function whenClosed(req: IncomingMessage, res: ServerResponse): Promise<void> {
  if (res.closed || req.socket.destroyed) return Promise.resolve()
  return new Promise((resolve) => onClosed(req, res, resolve))
}

/** Calls back once the response is out, or its client is gone; at once when it is gone already. */
export function onClosed(req: IncomingMessage, res: ServerResponse, listener: () => void): void {
  if (res.closed || req.socket.destroyed) return listener()
  res.once('close', listener)
  if (res.socket === null) listenBySocket(req.socket, res, listener)
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
