import type { IncomingMessage } from 'node:http'
import type { Input } from './reads.ts'

/** What of a request is one client's own: in Node's request, and where middlewares of Express put what they make of it. */
export function requestInputs(request: IncomingMessage): Input[] {
  return [
    { holder: request.headers, name: 'cookie', kind: 'cookie-read' },
    { holder: request.headers, name: 'authorization', kind: 'authorization-read' },
    { holder: request, name: 'rawHeaders', kind: 'cookie-read' }, // which of them is read, nobody sees
    { holder: request, name: 'headersDistinct', kind: 'cookie-read' },
    { holder: request, name: 'cookies', kind: 'cookie-read' },
    { holder: request, name: 'signedCookies', kind: 'cookie-read' },
    { holder: request, name: 'session', kind: 'session-read' },
    { holder: request, name: 'sessionID', kind: 'session-read' },
    { holder: request, name: 'user', kind: 'user-read' },
    { holder: request, name: 'auth', kind: 'user-read' },
  ]
}
