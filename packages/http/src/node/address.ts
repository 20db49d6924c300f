import type { IncomingMessage } from 'node:http'
import proxyaddr from 'proxy-addr'
import type { Trust } from './trust-proxy.ts'

// A registered symbol: a second copy of this package finds the address as well.
const IP: unique symbol = Symbol.for('holdfast.ip')

interface Addressed extends IncomingMessage {
  [IP]?: string | undefined
}

/** Finds the client's address behind the proxies that are trusted, and keeps it on the request. Where none is, it is the socket's. */
export function keepAddress(req: Addressed, trust: Trust | undefined): void {
  req[IP] = (trust === undefined ? req.socket.remoteAddress : proxyaddr(req, trust)) || undefined
}

/** The client's address: the one that `front` found, else the socket's; undefined when there is none. */
export function addressOf(req: Addressed): string | undefined {
  return req[IP] ?? (req.socket.remoteAddress || undefined)
}
