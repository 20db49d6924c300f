/** What of Express' request is looked at. */
export interface Asking {
  sessionID: string
  readonly res?: object | undefined
}

/**
 * Leaves the cookie as the client has it: express-session would make it last as long as that of a new session. Without an id it sends
 * none.
 *
 * @param isKept Asked when the response begins: the request may have got another session until then
 */
export function keepCookie(req: Asking, isKept: () => boolean): void {
  const { res } = req
  const writeHead: unknown = res && Reflect.get(res, 'writeHead')
  if (res === undefined || typeof writeHead !== 'function') return
  Reflect.set(res, 'writeHead', (...args: unknown[]) => {
    const { sessionID } = req
    if (isKept()) Reflect.deleteProperty(req, 'sessionID')
    try {
      const returned: unknown = Reflect.apply(writeHead, res, args)
      return returned
    } finally {
      req.sessionID = sessionID
    }
  })
}
