import type { RequestListener } from 'node:http'
import { sessionStore } from '@holdfast/session-store/koa'
import type { Context } from 'koa'
import koaSession from 'koa-session'
import { answering, at, koa } from './koa-parts.ts'
import type { Site } from './site.ts'

type Fields = Record<string, unknown>

/** The same as on Express, by an app for each kind: koa-session knows one kind for an app. */
export function sessionsOnKoa(site: Site, kind: 'plain' | 'user'): RequestListener {
  const user = (stored: Fields) => stored['user'] as string | undefined // as log-in has it
  const store = sessionStore({ adapter: site.adapter, prefix: `koa-${kind}:`, ...(kind === 'user' && { user }) })
  const base = `/session/${kind}`
  const app = koa(site)
  app.keys = ['a secret of the bench']
  app.use(koaSession({ store, key: kind }, app as never)) // its types are of Koa 2

  app.use(
    at(
      `${base}/log-in`,
      answering(async (ctx) => {
        const fields = fieldsOf(ctx)
        fields['user'] = ctx.query['user']
        return shown(ctx)
      }),
    ),
  )
  app.use(
    at(
      `${base}/write`,
      answering(async (ctx) => {
        const fields = fieldsOf(ctx)
        if (fields['user'] === undefined) return {}
        await site.think()
        fields[String(ctx.query['field'])] = true
        return shown(ctx)
      }),
    ),
  )
  app.use(
    at(
      `${base}/count`,
      answering(async (ctx) => {
        if (fieldsOf(ctx)['user'] === undefined) return {}
        await store.update(ctx, (stored) => {
          stored['count'] = Number(stored['count'] ?? 0) + 1
        })
        return shown(ctx)
      }),
    ),
  )
  app.use(
    at(
      `${base}/log-out-everywhere`,
      answering((ctx) => store.destroyAllOf(String(ctx.query['user']))),
    ),
  )
  app.use(
    at(
      `${base}/log-out`,
      answering(async (ctx) => {
        ctx['session'] = null
      }),
    ),
  )
  app.use(answering(async (ctx) => shown(ctx)))
  const callback = app.callback()
  return (req, res) => void callback(req, res)
}

function fieldsOf(ctx: Context): Fields {
  return ctx['session'] as Fields // sessions take any
}

/** Without what koa-session keeps in it for itself. */
function shown(ctx: Context): Fields {
  return Object.fromEntries(Object.entries(fieldsOf(ctx)).filter(([name]) => !name.startsWith('_')))
}
