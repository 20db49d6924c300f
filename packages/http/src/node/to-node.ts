import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Handler } from '../exchange.ts'
import { addressOf } from './address.ts'
import { bind } from './bind.ts'

/** What stands before an app in `front`: it answers, or calls `next`, with an error if it failed. */
export type NodeMiddleware = (req: IncomingMessage, res: ServerResponse, next: (error?: unknown) => void) => void | Promise<void>

/** Binds a handler to node:http, for `front`. The client's address is the one that `front` found, else the socket's. */
export function toNode(
  handler: Handler<IncomingMessage>,
): (req: IncomingMessage, res: ServerResponse, next: (error?: unknown) => void) => void {
  return bind(handler, { url: ({ url = '/' }) => url, ip: addressOf })
}
