import type { RequestListener } from 'node:http'
import { getIdempotency, idempotency } from '@holdfast/idempotency/koa'
import { getLock, serialize } from '@holdfast/lock/koa'
import { getRateLimit, rateLimit } from '@holdfast/rate-limit/koa'
import { cacheFor, responseCache } from '@holdfast/response-cache/koa'
import type { Context } from 'koa'
import { answering, at, koa } from './koa-parts.ts'
import { sessionsOnKoa } from './koa-sessions.ts'
import { LEASE_MS } from './setup.ts'
import { ALGORITHMS, CONCURRENCY, FRESH_MS, QUOTA, type Site, WAIT_MS } from './site.ts'

export function koaApp(site: Site): RequestListener {
  const { adapter } = site
  const app = koa(site)
  for (const algorithm of ALGORITHMS) {
    const limit = rateLimit({ adapter, name: algorithm, algorithm, ...QUOTA, key })
    app.use(
      at(
        `/limit/${algorithm}/`,
        limit,
        answering(async (ctx) => ({ source: getRateLimit(ctx)?.source })),
      ),
    )
  }
  const slot = (ctx: Context) => site.inSlot(key(ctx), getRateLimit(ctx)?.source)
  app.use(at('/slot/', rateLimit({ adapter, name: 'slots', ...CONCURRENCY, key }), answering(slot)))

  app.use(
    at(
      '/payment',
      idempotency({ adapter, scope: 'public', required: true, leaseMs: LEASE_MS }),
      answering((ctx) => {
        ctx.status = 201
        const { key: order = '', fence = 0, attempt } = getIdempotency(ctx)
        return site.paid({ key: order, fence, attempt })
      }),
    ),
  )

  app.use(
    at(
      '/page/',
      responseCache({ cache: site.pages, ttlMs: FRESH_MS, key: (ctx) => ctx.originalUrl }),
      answering((ctx) => {
        cacheFor(ctx, { tags: [`page:${key(ctx)}`] })
        return site.page(key(ctx))
      }),
    ),
  )
  app.use(
    at(
      '/value/',
      answering((ctx) => site.value(key(ctx))),
    ),
  )
  app.use(
    at(
      '/purge/page/',
      answering((ctx) => site.purgePage(key(ctx))),
    ),
  )
  app.use(
    at(
      '/purge/value/',
      answering((ctx) => site.purgeValue(key(ctx))),
    ),
  )

  const serial = serialize({ adapter, name: site.lockName, leaseMs: LEASE_MS, waitMs: WAIT_MS, key })
  app.use(
    at(
      '/serial/',
      serial,
      answering((ctx) => site.workUnder(getLock(ctx))),
    ),
  )
  app.use(
    at(
      '/lock/',
      answering((ctx) => site.underLock(key(ctx))),
    ),
  )
  app.use(
    at(
      '/pair/',
      answering((ctx) => site.inPair(key(ctx))),
    ),
  )

  const plain = sessionsOnKoa(site, 'plain')
  const user = sessionsOnKoa(site, 'user')
  const others = app.callback()
  return (req, res) => {
    const { url = '' } = req
    if (url.startsWith('/session/plain/')) return plain(req, res)
    if (url.startsWith('/session/user/')) return user(req, res)
    void others(req, res)
  }
}

/** The last part of the path. */
function key({ path }: Context): string {
  return path.slice(path.lastIndexOf('/') + 1)
}
