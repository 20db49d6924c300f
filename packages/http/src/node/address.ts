import type { IncomingMessage } from 'node:http'
import proxyaddr from 'proxy-addr'
import type { Trust } from './trust-proxy.ts'

// A registered symbol: a second copy of this package finds the address as well.
const IP: unique symbol = Symbol.for('holdfast.ip')
const PROXIED: unique symbol = Symbol.for('holdfast.proxied')

interface Addressed extends IncomingMessage {
  [IP]?: string | undefined
  [PROXIED]?: true
}

/** Finds the client's address behind the proxies that are trusted, and keeps it on the request. Where none is, it is the socket's. */
export function keepAddress(req: Addressed, trust: Trust | undefined): void {
  if (trust !== undefined) req[PROXIED] = true
  req[IP] = (trust === undefined ? req.socket.remoteAddress : proxyaddr(req, trust)) || undefined
}

/** The client's address: the one that `front` found, else the socket's; undefined when there is none. */
export function addressOf(req: Addressed): string | undefined {
  return req[IP] ?? (req.socket.remoteAddress || undefined)
}

/** Whether `front` was told of proxies that it trusts. */
export function trustsProxies(req: Addressed): boolean {
  return req[PROXIED] === true
}
