import type { Adapter } from '@holdfast/adapter'
import { serialize } from '@holdfast/lock/express'
import { rateLimit } from '@holdfast/rate-limit/express'
import { sessionStore } from '@holdfast/session-store/express'
import { type RequestHandler, Router, urlencoded } from 'express'
import session from 'express-session'

declare module 'express-session' {
  interface SessionData {
    user?: string
    cart?: Record<string, number>
  }
}

/** In an app of your own: a database, with hashes of passwords. */
const PASSWORDS: Readonly<Record<string, string>> = { ann: 'secret of ann', bob: 'secret of bob' }
const balances = new Map([
  ['ann', 100],
  ['bob', 100],
])

/** Log-in, a cart in the session, log-out everywhere, and transfers of which each account makes one at a time. */
export function accounts(adapter: Adapter, secret: string): Router {
  const store = sessionStore({ adapter, user: ({ user }) => user })
  const router = Router()
  router.use(session({ store, secret, resave: false, saveUninitialized: false, cookie: { maxAge: 86_400_000, sameSite: 'lax' } }))
  router.use(urlencoded({ extended: false }))

  router.post('/login', rateLimit({ adapter, name: 'login', limit: 5, windowMs: 60_000 }), (req, res, next) => {
    const { user = '', password } = fieldsOf(req.body)
    if (password === undefined || PASSWORDS[user] !== password)
      return void res.status(401).json({ error: 'Wrong name or password' })
    const { cart } = req.session
    req.session.regenerate((error) => {
      if (error) return next(error)
      req.session.user = user
      if (cart !== undefined) req.session.cart = cart
      res.json({ user })
    })
  })
  router.post('/logout', (req, res, next) => {
    req.session.destroy((error) => (error ? next(error) : res.json({ user: null })))
  })
  router.post('/logout-everywhere', known, (req, res, next) => {
    store.destroyAllOf(req.session.user ?? '').then(() => res.json({ user: null }), next)
  })

  router.get('/cart', (req, res) => {
    res.json(req.session.cart ?? {})
  })
  router.post('/cart', (req, res, next) => {
    const { item = 'apple' } = fieldsOf(req.body)
    const added = store.update(req, (session) => {
      session.cart = withOneMore(item, session.cart)
    })
    // An anonymous client has its session from now on.
    added.then(() => req.session.save((error) => (error ? next(error) : res.json(req.session.cart)))).catch(next)
  })

  router.post('/transfer', known, serialize({ adapter, key: (req) => req.session.user ?? '' }), (req, res, next) => {
    const { to = '', amount } = fieldsOf(req.body)
    transfer(req.session.user ?? '', to, Number(amount)).then((left) => {
      if (left === undefined) res.status(409).json({ error: 'Not enough money, or nobody to give it to' })
      else res.json({ left })
    }, next)
  })
  return router
}

const known: RequestHandler = (req, res, next) => {
  if (req.session.user === undefined) res.status(401).json({ error: 'Log in first' })
  else next()
}

/** Reads, waits as for a database, and writes: two at once would both have the money. Others may pay in meanwhile. */
async function transfer(from: string, to: string, amount: number): Promise<number | undefined> {
  const own = balances.get(from)
  await new Promise(setImmediate)
  if (own === undefined || !balances.has(to) || from === to || !(amount > 0 && amount <= own)) return undefined
  add(to, amount)
  return add(from, -amount)
}

/** To what there is now, as `balance = balance + $1` in a database: the lock of one account does not keep others from paying in. */
function add(user: string, amount: number): number {
  const balance = (balances.get(user) ?? 0) + amount
  balances.set(user, balance)
  return balance
}

/** What is in a cart with one more of an item, whatever its name: in an object, `constructor` would be there already. */
function withOneMore(item: string, cart: Readonly<Record<string, number>> = {}): Record<string, number> {
  const counts = new Map(Object.entries(cart))
  return Object.fromEntries(counts.set(item, (counts.get(item) ?? 0) + 1))
}

function fieldsOf(body: unknown): Readonly<Record<string, string | undefined>> {
  return typeof body === 'object' && body !== null ? (body as Record<string, string>) : {} // as urlencoded gives it
}
