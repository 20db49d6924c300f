import type { IncomingMessage } from 'node:http'
import type { Input } from './reads.ts'

/** What of a request is one client's own: in Node's request, and where middlewares of Express put what they make of it. */
export function requestInputs(request: IncomingMessage): Input[] {
  return [
    { holder: request.headers, name: 'cookie', kind: 'cookie-read' },
    { holder: request.headers, name: 'authorization', kind: 'authorization-read' },
    ...wholeInputs(request, 'rawHeaders'),
    ...wholeInputs(request, 'headersDistinct'),
    { holder: request, name: 'cookies', kind: 'cookie-read' },
    { holder: request, name: 'signedCookies', kind: 'cookie-read' },
    { holder: request, name: 'session', kind: 'session-read' },
    { holder: request, name: 'sessionID', kind: 'session-read' },
    { holder: request, name: 'csrfToken', kind: 'session-read' },
    ...USERS.map((name) => ({ holder: request, name, kind: 'user-read' as const })),
  ]
}

/** Where passport, express-jwt, Auth0 and Keycloak put who asks. */
const USERS = ['user', 'account', 'authInfo', 'auth', 'oidc', 'kauth']

/** All fields at once: nobody sees which of them is read. */
function wholeInputs(request: IncomingMessage, name: 'rawHeaders' | 'headersDistinct'): Input[] {
  return [
    { holder: request, name, kind: 'cookie-read' },
    { holder: request, name, kind: 'authorization-read' },
  ]
}
