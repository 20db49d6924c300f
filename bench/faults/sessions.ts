import { randomUUID } from 'node:crypto'
import type { RequestListener } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { redisAdapter } from '@holdfast/adapter/redis'
import { sessionStore as forExpress } from '@holdfast/session-store/express'
import { sessionStore as forKoa } from '@holdfast/session-store/koa'
import type { RedisServer } from '@holdfast/test/redis'
import { RedisStore } from 'connect-redis'
import express from 'express'
import session, { type Store } from 'express-session'
import Koa from 'koa'
import koaRedis from 'koa-redis'
import koaSession, { type CreateSessionOptions } from 'koa-session'
import { createClient } from 'redis'
import { answerOf, atOnce, compare, eachOf, whileFrozen } from './compare.ts'

const ROUNDS = 20
const AT_ONCE = 10
const WORK_MS = 20

type Fields = Record<string, unknown>

/** Requests of one session that each write a field, one at work while another logs out, and one while Redis is frozen. */
export async function compareSessions(server: RedisServer): Promise<void> {
  const { url } = server
  const adapter = redisAdapter({ url, prefix: 'faults:' })
  const koaAdapter = redisAdapter({ url, prefix: 'faults:koa:' })
  const client = createClient({ url })
  await client.connect()
  const apps = {
    '@holdfast/session-store, express-session': onExpress(forExpress({ adapter })),
    'connect-redis': onExpress(new RedisStore({ client, prefix: 'faults:connect:' })),
    '@holdfast/session-store, koa-session': onKoa(forKoa({ adapter: koaAdapter })),
    'koa-redis': onKoa(koaRedis({ url, keyPrefix: 'faults:koa-redis:' })),
  }
  await compare(`Sessions: ${AT_ONCE} requests at once, ${ROUNDS} times, each writes a field: lost fields`, eachOf(apps, lost))
  await compare(`Sessions: a log-out while a request is at work, ${ROUNDS} times: users logged in again`, eachOf(apps, back))
  const frozen = async (app: string): Promise<string> => whileFrozen(server, app, { cookie: await logIn(app) })
  await compare('Sessions, while Redis is frozen', eachOf(apps, frozen))
  await Promise.all([adapter.close(), koaAdapter.close(), client.close()])
}

async function lost(url: string): Promise<string> {
  const cookie = await logIn(url)
  let count = 0
  for (let round = 0; round < ROUNDS; round += 1) {
    await atOnce(AT_ONCE, (index) => answerOf(`${url}/write?field=${round}-${index}`, { headers: { cookie } }))
    const kept = await answerOf(url, { headers: { cookie } })
    count += AT_ONCE - (kept.match(new RegExp(`"${round}-\\d"`, 'g'))?.length ?? 0)
  }
  return `${count} of ${ROUNDS * AT_ONCE}`
}

async function back(url: string): Promise<string> {
  let count = 0
  for (let round = 0; round < ROUNDS; round += 1) {
    const headers = { cookie: await logIn(url) }
    const writing = answerOf(`${url}/write?field=cart`, { headers })
    await pause(WORK_MS / 2)
    await answerOf(`${url}/log-out`, { headers })
    await writing
    if ((await answerOf(url, { headers })).includes('ann')) count += 1
  }
  return `${count} of ${ROUNDS}`
}

async function logIn(url: string): Promise<string> {
  const { headers } = await fetch(`${url}/log-in`)
  return headers
    .getSetCookie()
    .map((each) => each.split(';', 1)[0])
    .join('; ')
}

/** What the app does with a session, at its four paths. */
async function visit({ pathname, searchParams }: URL, fields: Fields): Promise<void> {
  if (pathname === '/log-in') fields['user'] = 'ann'
  if (pathname !== '/write') return
  await pause(WORK_MS)
  fields[searchParams.get('field') ?? ''] = true
}

function onExpress(store: Store): RequestListener {
  const app = express()
  app.use(session({ store, secret: 'a secret of the bench', resave: false, saveUninitialized: false }))
  app.set('env', 'test') // it says nothing of the errors that are answered
  return app.use((req, res, next) => {
    if (req.path === '/log-out') return req.session.destroy((error: unknown) => (error ? next(error) : res.end()))
    const fields = req.session as unknown as Fields // sessions take any
    visit(new URL(req.url, 'http://localhost'), fields).then(() => res.json(fields), next)
  })
}

function onKoa(store: NonNullable<CreateSessionOptions['store']>): RequestListener {
  const app = new Koa()
  app.use(koaSession({ store, signed: false, genid: () => randomUUID() }, app as never)) // its types are of Koa 2
  app.use(async (ctx) => {
    if (ctx.path === '/log-out') ctx['session'] = null
    else await visit(ctx.URL, ctx['session'] as Fields)
    ctx.body = (ctx['session'] as Fields | null) ?? {}
  })
  app.silent = true
  const callback = app.callback()
  return (req, res) => void callback(req, res)
}
