import type { Request } from 'express'

/**
 * Leaves the cookie as the client has it: express-session would make it last as long as that of a new session. Without an id it sends
 * none.
 *
 * @param isKept Asked when the response begins: the request may have got another session until then
 */
export function keepCookie(req: Request, isKept: () => boolean): void {
  const { res } = req
  if (res === undefined) return
  const writeHead: (...args: never) => unknown = res.writeHead
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
