import { parse } from 'node:querystring'
import type { Adapter } from '@holdfast/adapter'
import { serialize } from '@holdfast/lock/koa'
import { rateLimit } from '@holdfast/rate-limit/koa'
import { sessionStore } from '@holdfast/session-store/koa'
import type Koa from 'koa'
import type { Context, Middleware } from 'koa'
import session from 'koa-session'

/** In an app of your own: a database, with hashes of passwords. */
const PASSWORDS: Readonly<Record<string, string>> = { ann: 'secret of ann', bob: 'secret of bob' }
const balances = new Map([
  ['ann', 100],
  ['bob', 100],
])

/** Log-in, a cart in the session, log-out everywhere, and transfers of which each account makes one at a time. */
export function useAccounts(app: Koa, adapter: Adapter): void {
  const store = sessionStore({ adapter, prefix: 'session:', user: ({ user }) => (typeof user === 'string' ? user : undefined) })
  const limitLogin = rateLimit({ adapter, name: 'login', limit: 5, windowMs: 60_000 })
  const oneAtATime = serialize({ adapter, key: (ctx) => userOf(ctx) ?? '' })

  const routes: Readonly<Record<string, readonly Middleware[]>> = {
    'POST /login': [limitLogin, logIn],
    'POST /logout': [logOut],
    'POST /logout-everywhere': [known, logOutEverywhere],
    'GET /cart': [showCart],
    'POST /cart': [addToCart],
    'POST /transfer': [known, oneAtATime, transferMoney],
  }

  async function logIn(ctx: Context): Promise<void> {
    const { user, password } = await fieldsOf(ctx)
    if (user === undefined || password === undefined || PASSWORDS[user] !== password) {
      ctx.status = 401
      ctx.body = { error: 'Wrong name or password' }
      return
    }
    await sessionOf(ctx).regenerate()
    sessionOf(ctx).user = user
    ctx.body = { user }
  }

  async function logOut(ctx: Context): Promise<void> {
    ctx.session = null
    ctx.body = { user: null }
  }

  async function logOutEverywhere(ctx: Context): Promise<void> {
    await store.destroyAllOf(userOf(ctx) ?? '')
    ctx.session = null
    ctx.body = { user: null }
  }

  async function addToCart(ctx: Context): Promise<void> {
    const { item = 'apple' } = await fieldsOf(ctx)
    await store.update(ctx, (session: Fields) => {
      session.cart = withOneMore(item, session.cart)
    })
    ctx.body = sessionOf(ctx).cart
  }

  app.use(session({ store, maxAge: 86_400_000, sameSite: 'lax' }, app))
  app.use(async (ctx, next) => {
    const route = routes[`${ctx.method} ${ctx.path}`]
    async function run(at: number): Promise<void> {
      await route?.[at]?.(ctx, () => run(at + 1))
    }
    await (route === undefined ? next() : run(0))
  })
}

async function showCart(ctx: Context): Promise<void> {
  ctx.body = sessionOf(ctx).cart ?? {}
}

async function known(ctx: Context, next: () => Promise<void>): Promise<void> {
  if (userOf(ctx) !== undefined) return next()
  ctx.status = 401
  ctx.body = { error: 'Log in first' }
}

async function transferMoney(ctx: Context): Promise<void> {
  const { to = '', amount } = await fieldsOf(ctx)
  const left = await transfer(userOf(ctx) ?? '', to, Number(amount))
  if (left === undefined) {
    ctx.status = 409
    ctx.body = { error: 'Not enough money, or nobody to give it to' }
  } else ctx.body = { left }
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

interface Fields {
  user?: string
  cart?: Record<string, number>
}

interface Session extends Fields {
  regenerate(): Promise<void>
}

function sessionOf(ctx: Context): Session {
  return ctx['session'] as Session // of koa-session, which is in front of every route
}

function userOf(ctx: Context): string | undefined {
  return sessionOf(ctx).user
}

/** Of a small form. */
async function fieldsOf(ctx: Context): Promise<Record<string, string | undefined>> {
  let form = ''
  for await (const chunk of ctx.req.setEncoding('utf8')) {
    form += String(chunk)
    if (form.length > 10_000) ctx.throw(413)
  }
  const fields = Object.entries(parse(form))
  return Object.fromEntries(fields.map(([name, value]) => [name, Array.isArray(value) ? value[0] : value]))
}
