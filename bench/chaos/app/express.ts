import type { RequestListener } from 'node:http'
import { getIdempotency, idempotency } from '@holdfast/idempotency/express'
import { getLock, serialize } from '@holdfast/lock/express'
import { getRateLimit, rateLimit } from '@holdfast/rate-limit/express'
import { cacheFor, responseCache } from '@holdfast/response-cache/express'
import express, { type NextFunction, type Request, type Response } from 'express'
import { answering } from './express-answer.ts'
import { sessionsOnExpress } from './express-sessions.ts'
import { LEASE_MS } from './setup.ts'
import { ALGORITHMS, CONCURRENCY, FLOOD, FRESH_MS, QUOTA, type Site, WAIT_MS } from './site.ts'
import { statusOf } from './status.ts'

export function expressApp(site: Site): RequestListener {
  const { adapter } = site
  const app = express()
  app.use(rateLimit({ adapter, ...FLOOD }))
  for (const algorithm of ALGORITHMS) {
    const limit = rateLimit({ adapter, name: algorithm, algorithm, ...QUOTA, key })
    app.get(`/limit/${algorithm}/:key`, limit, (req, res) => void res.json({ source: getRateLimit(req)?.source }))
  }
  const slot = (req: Request) => site.inSlot(key(req), getRateLimit(req)?.source)
  app.post('/slot/:key', rateLimit({ adapter, name: 'slots', ...CONCURRENCY, key }), answering(slot))

  app.use('/session', sessionsOnExpress(site))

  app.post(
    '/payment',
    idempotency({ adapter, scope: 'public', required: true, leaseMs: LEASE_MS }),
    answering((req, res) => {
      res.status(201)
      const { key: order = '', fence = 0, attempt } = getIdempotency(req)
      return site.paid({ key: order, fence, attempt })
    }),
  )

  app.get(
    '/page/:key',
    responseCache({ cache: site.pages, ttlMs: FRESH_MS, key: (req) => req.originalUrl }),
    answering((req, res) => {
      cacheFor(res, { tags: [`page:${key(req)}`] })
      return site.page(key(req))
    }),
  )
  app.get(
    '/value/:key',
    answering((req) => site.value(key(req))),
  )
  app.post(
    '/purge/page/:key',
    answering((req) => site.purgePage(key(req))),
  )
  app.post(
    '/purge/value/:key',
    answering((req) => site.purgeValue(key(req))),
  )

  const serial = serialize({ adapter, name: site.lockName, leaseMs: LEASE_MS, waitMs: WAIT_MS, key })
  app.post(
    '/serial/:key',
    serial,
    answering((req) => site.workUnder(getLock(req))),
  )
  app.post(
    '/lock/:key',
    answering((req) => site.underLock(key(req))),
  )
  app.post(
    '/pair/:key',
    answering((req) => site.inPair(key(req))),
  )

  app.use((error: Error, _req: Request, res: Response, next: NextFunction) => {
    if (res.writableEnded) return // express-session could not store what was answered: Express would close the connection
    if (res.headersSent) return next(error)
    res.status(statusOf(error)).json({ error: error.stack })
  })
  return app
}

function key(req: Request): string {
  return String(req.params['key'])
}
