import type { IncomingMessage } from 'node:http'
import type { Input } from './reads.ts'

/** What of Node's request is one client's own. */
export function messageInputs(request: IncomingMessage): Input[] {
  return [
    { holder: request.headers, name: 'cookie', kind: 'cookie-read' },
    { holder: request.headers, name: 'authorization', kind: 'authorization-read' },
    { holder: request, name: 'rawHeaders', kind: 'cookie-read' }, // which of them is read, nobody sees
    { holder: request, name: 'headersDistinct', kind: 'cookie-read' },
  ]
}

/** Where middlewares of Express put what they make of it. */
export function requestInputs(request: IncomingMessage): Input[] {
  return [
    ...messageInputs(request),
    { holder: request, name: 'cookies', kind: 'cookie-read' },
    { holder: request, name: 'signedCookies', kind: 'cookie-read' },
    { holder: request, name: 'session', kind: 'session-read' },
    { holder: request, name: 'sessionID', kind: 'session-read' },
    { holder: request, name: 'user', kind: 'user-read' },
  ]
}
