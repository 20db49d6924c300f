import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { sessionStore as expressStore } from '@holdfast/session-store/express'
import { sessionStore as koaStore, type SessionStoreOptions } from '@holdfast/session-store/koa'
import { afterEach, describe } from '@jest/globals'
import express, { type NextFunction, type Request, type Response } from 'express'
import session, { type Store } from 'express-session'
import Koa from 'koa'
import koaSession, { type CreateSessionOptions } from 'koa-session'

export type Fields = Record<string, unknown>
export type StoreOptions = SessionStoreOptions<Fields>

/** A request to an app of the tests, the same for both frameworks. */
export interface Visit {
  readonly path: string
  /** Undefined where the app answers `null`: it was logged out. */
  readonly session: Fields
  readonly id: string
  update(change: (session: Fields) => unknown): Promise<boolean>
  regenerate(): Promise<void>
  save(): Promise<void>
  logOut(): Promise<void>
}

/** What an app does with a request; what it gives is answered as JSON. */
export type Act = (visit: Visit) => unknown

export type OurStore = ReturnType<typeof expressStore> | ReturnType<typeof koaStore>

export interface App {
  readonly url: string
  readonly store: OurStore
}

export interface Stage {
  readonly name: string
  /** What stands before the id in a key. */
  readonly prefix: string
  /** An app with a store of its own. */
  serve(options: StoreOptions, act: Act, settings?: Settings): Promise<App>
}

export interface Settings {
  /** For how long a session lives, in milliseconds. Defaults to a day. */
  readonly maxAge?: number
  readonly express?: Partial<session.SessionOptions>
  readonly koa?: CreateSessionOptions
}

const DAY_MS = 86_400_000

/** Describes the same suite with express-session in Express, and with koa-session in Koa. */
export function eachStage(suite: (stage: Stage) => void): void {
  describe('express-session', () => {
    suite({
      name: 'express-session',
      prefix: 'sess:',
      async serve(options, act, { maxAge = DAY_MS, express: own = {} } = {}) {
        const store = expressStore(options)
        return { store, url: await serveExpress(store, act, { cookie: { maxAge }, ...own }) }
      },
    })
  })

  describe('koa-session', () => {
    suite({
      name: 'koa-session',
      prefix: '',
      async serve(options, act, { maxAge = DAY_MS, koa = {} } = {}) {
        const store = koaStore(options)
        return { store, url: await serveKoa(store, act, { maxAge, ...koa }) }
      },
    })
  })
}

const open = new Set<() => Promise<void>>()

/** Every server of a test is closed when the test ends. */
export function closeServers(): void {
  afterEach(async () => {
    await Promise.all([...open].map((close) => close()))
    open.clear()
  })
}

export async function serveExpress(store: Store, act: Act, options: Partial<session.SessionOptions> = {}): Promise<string> {
  const app = express()
  app.use(session({ store, secret: 'a secret of the tests', resave: false, saveUninitialized: false, ...options }))
  app.use((req: Request, res: Response, next: NextFunction) => {
    const done = Promise.resolve(expressVisit(store, req)).then(act)
    done.then((body) => res.json(body ?? null)).catch(next)
  })
  app.use(
    (
      error: { status?: number; headers?: Record<string, string>; code?: string },
      _: Request,
      res: Response,
      next: NextFunction,
    ) => {
      if (res.headersSent) return next(error)
      res
        .status(error.status ?? 500)
        .set(error.headers ?? {})
        .json({ code: error.code })
    },
  )
  return listening(app)
}

function expressVisit(store: Store, req: Request): Visit {
  const called = (call: (done: (error: unknown) => void) => unknown): Promise<void> =>
    new Promise((resolve, reject) => call((error) => (error instanceof Error ? reject(error) : resolve())))
  return {
    path: req.path,
    get session() {
      return req.session as unknown as Fields
    },
    get id() {
      return req.sessionID
    },
    update: (change) => ours(store).update(req as never, change as never),
    regenerate: () => called((done) => req.session.regenerate(done)),
    save: () => called((done) => req.session.save(done)),
    logOut: () => called((done) => req.session.destroy(done)),
  }
}

function ours(store: object): { update: (request: never, change: never) => Promise<boolean> } {
  if (!('update' in store)) throw new Error('Only our store has update')
  return store as OurStore
}

export async function serveKoa(
  store: NonNullable<CreateSessionOptions['store']>,
  act: Act,
  options: CreateSessionOptions = {},
): Promise<string> {
  const app = new Koa()
  app.silent = true
  app.keys = ['a secret of the tests']
  app.use(koaSession({ store, ...options }, app as never))
  app.use(async (ctx) => {
    const here: WithSession = ctx as never
    const body = await act({
      path: ctx.path,
      get session() {
        return here.session as Fields
      },
      get id() {
        return String(here.session?.externalKey)
      },
      update: (change) => ours(store).update(ctx as never, change as never),
      regenerate: async () => here.session?.regenerate(),
      save: async () => here.session?.save(),
      async logOut() {
        here.session = null
      },
    })
    ctx.body = JSON.stringify(body ?? null)
  })
  const listener = app.callback()
  return listening((req, res) => void listener(req, res))
}

/** A context as koa-session makes it: Koa's own types know nothing of sessions. */
interface WithSession {
  session: { readonly externalKey?: string; save(): Promise<void>; regenerate(): Promise<void> } | null
}

async function listening(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  open.add(async () => {
    server.closeAllConnections()
    server.close()
    if (server.listening) await once(server, 'close')
  })
  const address = server.address()
  return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : ''}`
}

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: unknown
  /** The names of the cookies that it sets. */
  readonly cookies: readonly string[]
}

export interface Browser {
  /** Its cookies, by name. */
  readonly cookies: Map<string, string>
  get(url: string): Promise<Answer>
  /** Another one with the same cookies, as a tab that goes its own way. */
  copy(): Browser
}

/** Keeps cookies, and sends them to whichever app. */
export function browser(from: ReadonlyMap<string, string> = new Map()): Browser {
  const cookies = new Map(from)
  return {
    cookies,
    copy: () => browser(cookies),
    async get(url) {
      const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
      const response = await fetch(url, { headers: { cookie } })
      const set = response.headers.getSetCookie().map((line) => {
        const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
        const isOver = /expires=Thu, 01 Jan 1970/i.test(line)
        if (isOver) cookies.delete(name)
        else cookies.set(name, value)
        return name
      })
      const text = await response.text()
      return { status: response.status, headers: response.headers, body: parsed(text), cookies: set }
    },
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** Resolves for all when `count` have come: requests that are in flight at the same time. */
export function barrier(count: number): () => Promise<void> {
  const waiting: (() => void)[] = []
  return () =>
    new Promise((resolve) => {
      waiting.push(resolve)
      if (waiting.length < count) return
      for (const each of waiting.splice(0)) each()
    })
}

/** A request that waits until the test lets it go on. */
export function gate(): { readonly reached: Promise<void>; readonly pass: () => Promise<void>; readonly open: () => void } {
  const [reached, reach] = signal()
  const [opened, open] = signal()
  return {
    reached,
    open,
    pass() {
      reach()
      return opened
    },
  }
}

function signal(): [Promise<void>, () => void] {
  let resolve = (): void => {}
  const promise = new Promise<void>((done) => {
    resolve = done
  })
  return [promise, () => resolve()]
}
