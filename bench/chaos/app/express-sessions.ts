import { sessionStore } from '@holdfast/session-store/express'
import { type Request, Router } from 'express'
import session from 'express-session'
import { answering } from './express-answer.ts'
import type { Site } from './site.ts'

const SECRET = 'a secret of the bench'
const DAY_MS = 86_400_000

type Fields = Record<string, unknown>

/** Sessions without a list of each user's, at `/plain`, and with one, at `/user`. */
export function sessionsOnExpress(site: Site): Router {
  const router = Router()
  for (const kind of ['plain', 'user'] as const) router.use(`/${kind}`, sessionsOf(site, kind))
  return router
}

function sessionsOf({ adapter, think }: Site, kind: 'plain' | 'user'): Router {
  const user = (stored: object) => Reflect.get(stored, 'user') as string | undefined // as log-in has it
  const store = sessionStore({ adapter, prefix: `${kind}:`, ...(kind === 'user' && { user }) })
  const cookie = { maxAge: DAY_MS }
  const router = Router()
  router.use(session({ store, secret: SECRET, name: kind, resave: false, saveUninitialized: false, cookie }))

  router.post(
    '/log-in',
    answering(async (req) => {
      await called((done) => req.session.regenerate(done))
      const fields = fieldsOf(req)
      fields['user'] = asked(req, 'user')
      await called((done) => req.session.save(done))
      return fields
    }),
  )
  router.get(
    '/',
    answering(async (req) => fieldsOf(req)),
  )
  router.post(
    '/write',
    answering(async (req) => {
      const fields = fieldsOf(req)
      if (fields['user'] === undefined) return {}
      await think()
      fields[asked(req, 'field')] = true
      await called((done) => req.session.save(done))
      return fields
    }),
  )
  router.post(
    '/count',
    answering(async (req) => {
      if (fieldsOf(req)['user'] === undefined) return {}
      await store.update(req, (stored) => {
        const fields = stored as unknown as Fields // sessions take any
        fields['count'] = Number(fields['count'] ?? 0) + 1
      })
      return fieldsOf(req)
    }),
  )
  router.post(
    '/log-out',
    answering((req) => called((done) => req.session.destroy(done))),
  )
  router.post(
    '/log-out-everywhere',
    answering((req) => store.destroyAllOf(asked(req, 'user'))),
  )
  return router
}

function asked({ originalUrl }: Request, name: string): string {
  return new URL(originalUrl, 'http://localhost').searchParams.get(name) ?? ''
}

function fieldsOf({ session: fields }: Request): Fields {
  return fields as unknown as Fields // sessions take any
}

function called(call: (done: (error?: unknown) => void) => unknown): Promise<void> {
  return new Promise((resolve, reject) => {
    call((error) => (error instanceof Error ? reject(error) : resolve()))
  })
}
