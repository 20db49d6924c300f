import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** Resolves once the response is out, or its client is gone. */
export function whenClosed(req: IncomingMessage, res: ServerResponse): Promise<void> {
  if (res.closed || req.socket.destroyed) return Promise.resolve()
  return new Promise((resolve) => {
    res.once('close', resolve)
    if (res.socket === null) resolveWithSocket(req.socket, res, resolve)
  })
}

/** A pipelined response that waits for its turn has no socket yet, and Node never closes it when the client leaves before. */
function resolveWithSocket(socket: Socket, res: ServerResponse, resolve: () => void): void {
  const waiting = waitingOn.get(socket) ?? listenTo(socket)
  waiting.add(resolve)
  res.once('close', () => waiting.delete(resolve))
}

/** One listener, however many requests are in the pipe: more than ten would have Node warn of a leak. */
function listenTo(socket: Socket): Set<() => void> {
  const waiting = new Set<() => void>()
  waitingOn.set(socket, waiting)
  socket.once('close', () => {
    for (const resolve of waiting) resolve()
  })
  return waiting
}

const waitingOn = new WeakMap<Socket, Set<() => void>>()
