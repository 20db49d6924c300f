import { createHmac } from 'node:crypto'
import type { IncomingMessage, RequestListener } from 'node:http'
import { redisAdapter } from '@holdfast/adapter/redis'
import { sessionStore as forExpress } from '@holdfast/session-store/express'
import { sessionStore as forKoa } from '@holdfast/session-store/koa'
import { RedisStore } from 'connect-redis'
import express from 'express'
import session, { type Store } from 'express-session'
import Koa from 'koa'
import koaRedis from 'koa-redis'
import koaSession, { type CreateSessionOptions } from 'koa-session'
import { createClient } from 'redis'

const SECRET = 'a secret of the benchmark'
const COOKIE = 'sid'

/** Apps whose every request reads its session, and writes it at `/write`. Those on Redis take its URL. */
export const sessionApps: Record<string, (redisUrl: string) => RequestListener> = {
  'express sessions': () => withExpress(),
  'express sessions, holdfast on Redis': (url) =>
    withExpress(forExpress({ adapter: redisAdapter({ url, prefix: 'bench:', timeoutMs: 5_000 }) })),
  'express sessions, connect-redis': (url) => {
    const client = createClient({ url })
    void client.connect()
    return withExpress(new RedisStore({ client, prefix: 'bench:connect:' }))
  },
  'koa sessions': () => withKoa(),
  'koa sessions, holdfast on Redis': (url) =>
    withKoa(forKoa({ adapter: redisAdapter({ url, prefix: 'bench:koa:', timeoutMs: 5_000 }) })),
  'koa sessions, koa-redis': (url) => withKoa(koaRedis({ url, keyPrefix: 'bench:koa-redis:' })),
}

/** A request of a client that has a session, as both frameworks take it. */
export function requestOf(path: string, id: string): string {
  const signature = createHmac('sha256', SECRET).update(id).digest('base64').replace(/=+$/, '')
  const cookies = `${COOKIE}=${encodeURIComponent(`s:${id}.${signature}`)}; koa.${COOKIE}=${id}`
  return `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: ${cookies}\r\n\r\n`
}

/** The first request of a session makes it, under the id that its client has. */
function idOf({ headers }: IncomingMessage): string {
  return /koa\.sid=(\w+)/.exec(headers.cookie ?? '')?.[1] ?? 'none'
}

function change(fields: { user?: unknown; count?: unknown }, path: string): unknown {
  fields.user ??= 'ann'
  if (path === '/write') fields.count = Number(fields.count ?? 0) + 1
  return { user: fields.user }
}

function withExpress(store?: Store): RequestListener {
  const app = express()
  if (store === undefined) return app.use((req, res) => void res.json(change({}, req.path)))
  app.use(session({ store, secret: SECRET, name: COOKIE, resave: false, saveUninitialized: false, genid: idOf }))
  return app.use((req, res) => void res.json(change(req.session, req.path)))
}

function withKoa(store?: CreateSessionOptions['store']): RequestListener {
  const app = new Koa()
  if (store !== undefined) {
    app.use(
      koaSession(
        { store, key: `koa.${COOKIE}`, signed: false, genid: ({ req }: { req: IncomingMessage }) => idOf(req) },
        app as never,
      ),
    )
  }
  app.use((ctx) => {
    ctx.body = change(store === undefined ? {} : (ctx['session'] as object), ctx.path)
  })
  const callback = app.callback()
  return (req, res) => void callback(req, res)
}
