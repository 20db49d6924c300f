import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
} from 'node:http'
import { extname } from 'node:path'
import { pipeline, type Readable } from 'node:stream'
import type { Handler } from '@holdfast/http'
import { toExpress } from '@holdfast/http/express'
import { toKoa } from '@holdfast/http/koa'
import { front, type NodeMiddleware, toNode } from '@holdfast/http/node'
import { afterAll, describe } from '@jest/globals'
import express, { type RequestHandler, type Response } from 'express'
import express4 from 'express4'
import Koa, { type Context, type Middleware } from 'koa'
import Koa2 from 'koa2'
import { listeningHttp2 } from './http2.ts'

/** One of the frameworks that every feature must be the same on. */
export interface Framework {
  readonly name: string
  readonly binding: keyof Bindings
  /** Listens on a free port of 127.0.0.1. What is still open at the end of the suite is closed. */
  serve(app: App): Promise<Served>
}

export interface App {
  /** What stands before the handler. Defaults to nothing. */
  readonly gate?: Bindings
  /** Defaults to one that answers 200 with `hello`. */
  readonly handler?: AppHandler
  /** How many proxies the app trusts, or that it trusts whatever they say. Defaults to what the framework does by itself: none. */
  readonly trustProxy?: number | true
}

/** The same middlewares by their three bindings; only those of the framework at hand are made, once per server. */
export interface Bindings {
  node(): readonly NodeMiddleware[]
  express(): readonly RequestHandler[]
  koa(): readonly Middleware[]
}

/** An app's own handler. Without a result it has answered by `res`, or called `next`. */
export type AppHandler = (request: AppRequest) => AppResponse | undefined | Promise<AppResponse | undefined>

export interface AppRequest {
  readonly method: string
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly req: IncomingMessage
  readonly res: ServerResponse
  /** Fails as the framework has it: Express' `next(error)`, elsewhere a throw. */
  next(error: Error): void
}

/** What a handler answers by the framework's own means: at most one of body, json, stream, file and location. */
export interface AppResponse {
  /** Defaults to 200, and to 302 with a location. */
  readonly status?: number
  readonly headers?: Readonly<Record<string, string | string[]>>
  readonly body?: string | Buffer
  readonly json?: unknown
  readonly stream?: Readable
  /** A path. */
  readonly file?: string
  /** Where to redirect. */
  readonly location?: string
}

export interface Served {
  readonly url: string
  readonly port: number
  /** Takes no more connections, and resolves when those that there are have ended. */
  stop(): Promise<void>
  /** Ends every connection at once. */
  close(): Promise<void>
}

/** Describes the same suite for every framework. */
export function eachFramework(suite: (framework: Framework) => void): void {
  describe.each(frameworks)('$name', (framework) => {
    describeOn(framework, listening, suite)
  })
}

/** The same over HTTP/2, on those that run there: Express' requests and responses are node:http's own. */
export function eachHttp2Framework(suite: (framework: Framework) => void): void {
  const running = frameworks.filter(({ binding }) => binding !== 'express')
  describe.each(running)('$name, over HTTP/2', (framework) => {
    describeOn(framework, listeningHttp2, suite)
  })
}

function describeOn(
  { name, binding, listener }: (typeof frameworks)[number],
  listen: (listener: RequestListener) => Promise<Served>,
  suite: (framework: Framework) => void,
): void {
  const open: Served[] = []
  afterAll(() => Promise.all(open.map((served) => served.close())))
  suite({
    name,
    binding,
    async serve({ gate = none, handler = () => ({ body: 'hello' }), trustProxy = 0 }) {
      const served = await listen(listener(gate, handler, trustProxy))
      open.push(served)
      return served
    },
  })
}

/** A bare handler by its three bindings. */
export function bound(...handlers: readonly Handler<unknown>[]): Bindings {
  return {
    node: () => handlers.map(toNode),
    express: () => handlers.map(toExpress),
    koa: () => handlers.map(toKoa),
  }
}

/** Middlewares of several kinds in one app: the first stands in front. */
export function chained(...bindings: readonly Bindings[]): Bindings {
  return {
    node: () => bindings.flatMap((each) => each.node()),
    express: () => bindings.flatMap((each) => each.express()),
    koa: () => bindings.flatMap((each) => each.koa()),
  }
}

async function listening(listener: RequestListener): Promise<Served> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    async stop() {
      server.close()
      await once(server, 'close')
    },
    async close() {
      if (!server.listening) return
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

type MakeListener = (gate: Bindings, handler: AppHandler, trustProxy: number | true) => RequestListener

const none = bound()
const frameworks: readonly { name: string; binding: keyof Bindings; listener: MakeListener }[] = [
  { name: 'node:http, in front', binding: 'node', listener: inFront },
  { name: 'Express 4', binding: 'express', listener: onExpress(express4, 4) },
  { name: 'Express 5', binding: 'express', listener: onExpress(express, 5) },
  { name: 'Koa 2', binding: 'koa', listener: onKoa(Koa2) },
  { name: 'Koa 3', binding: 'koa', listener: onKoa(Koa) },
]

/** The app behind is a bare listener, which answers its own errors as every app does. */
function inFront(gate: Bindings, handler: AppHandler, trustProxy: number | true): RequestListener {
  async function listener(req: IncomingMessage, res: ServerResponse): Promise<void> {
    try {
      const response = await handler(appRequest(req, res, thrown))
      if (response !== undefined) sendByNode(res, response)
    } catch {
      if (res.headersSent) res.destroy()
      else res.writeHead(500).end('Internal Server Error')
    }
  }
  return front(gate.node(), listener, trustProxy === 0 ? {} : { trustProxy })
}

function sendByNode(res: ServerResponse, response: AppResponse): void {
  const { status = response.location === undefined ? 200 : 302, headers = {}, body, json, stream, file, location } = response
  res.statusCode = status
  for (const [name, value] of Object.entries(headers)) res.setHeader(name, value)
  if (json !== undefined) res.setHeader('Content-Type', 'application/json')
  if (location !== undefined) res.writeHead(status, { Location: location }).end()
  else if (json !== undefined) res.end(JSON.stringify(json))
  else if (stream !== undefined) pipeline(stream, res, () => {})
  else if (file !== undefined) createReadStream(file).pipe(res)
  else res.end(body)
}

function onExpress(createApp: typeof express, major: 4 | 5): MakeListener {
  return (gate, handler, trustProxy) => {
    const app = createApp().set('env', 'test')
    if (trustProxy !== 0) app.set('trust proxy', trustProxy)
    for (const middleware of gate.express()) app.use(middleware)
    app.use((req, res, next) => {
      const result = handler(appRequest(req, res, next, req.originalUrl))
      if (!isPromise(result)) return sendByExpress(res, result)
      const sending = result.then((response) => sendByExpress(res, response))
      return major === 5 ? sending : sending.catch(next)
    })
    return app
  }
}

function sendByExpress(res: Response, response: AppResponse | undefined): void {
  if (response === undefined) return
  const { status = response.location === undefined ? 200 : 302, headers = {}, body, json, stream, file, location } = response
  res.status(status).set(headers)
  if (location !== undefined) res.redirect(status, location)
  else if (json !== undefined) res.json(json)
  else if (stream !== undefined) pipeline(stream, res, () => {})
  else if (file !== undefined) res.sendFile(file)
  else if (body !== undefined) res.send(body)
  else res.end()
}

function onKoa(App: typeof Koa): MakeListener {
  return (gate, handler, trustProxy) => {
    const app = new App({ proxy: trustProxy !== 0, maxIpsCount: trustProxy === true ? 0 : trustProxy })
    app.silent = true
    for (const middleware of gate.koa()) app.use(middleware)
    app.use(async (ctx: Context) => {
      const response = await handler(appRequest(ctx.req, ctx.res, thrown, ctx.originalUrl))
      if (response === undefined) {
        ctx.respond = false
        return
      }
      sendByKoa(ctx, response)
    })
    const callback = app.callback()
    return (req, res) => void callback(req, res)
  }
}

function sendByKoa(ctx: Context, { status, headers = {}, body, json, stream, file, location }: AppResponse): void {
  ctx.status = status ?? 200
  ctx.set(headers)
  if (location !== undefined) {
    ctx.redirect(location)
    if (status !== undefined) ctx.status = status
  } else if (file !== undefined) {
    ctx.type = extname(file)
    ctx.body = createReadStream(file)
  } else if (json !== undefined) ctx.body = json
  else if (stream !== undefined || body !== undefined) ctx.body = stream ?? body
}

function appRequest(
  req: IncomingMessage,
  res: ServerResponse,
  next: (error: Error) => void,
  url: string = req.url ?? '/',
): AppRequest {
  return { method: req.method ?? 'GET', url, headers: req.headers, req, res, next }
}

function thrown(error: Error): never {
  throw error
}

function isPromise<T>(result: T | Promise<T>): result is Promise<T> {
  return typeof result === 'object' && result !== null && 'then' in result
}
