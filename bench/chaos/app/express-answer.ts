import type { Request, RequestHandler, Response } from 'express'

/** Answers by what comes of it, as JSON. */
export function answering(handle: (req: Request, res: Response) => Promise<unknown>): RequestHandler {
  return (req, res, next) => {
    handle(req, res).then((result) => void res.json(result ?? {}), next)
  }
}
