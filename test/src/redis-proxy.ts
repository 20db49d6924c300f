import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { freePort } from './free-port.ts'

/** A network between clients and a Redis. It passes everything on until it is told otherwise. */
export interface RedisProxy {
  readonly host: string
  readonly port: number
  readonly url: string
  /** How many clients are connected now. */
  readonly connections: number
  /** How many chunks clients have sent so far: one for a write to a socket, unless it is large or follows another at once. */
  readonly writes: number
  /** Delays what is sent from now on, each way. */
  latency(ms: number): void
  /** Accepts connections, and holds back what is sent either way until it is restored. */
  blackhole(): void
  /** Lets requests pass, which Redis answers; each answer cuts its connection instead of reaching the client. */
  cutReplies(): void
  /** Cuts the connections of now. */
  cut(): void
  /** Cuts all connections, and refuses new ones. */
  refuse(): Promise<void>
  /** Passes everything on, at once. */
  restore(): Promise<void>
  stop(): Promise<void>
}

/** Starts a proxy in front of what listens on `target`, a port of this machine. */
export async function startProxy(target: number): Promise<RedisProxy> {
  const host = '127.0.0.1'
  const port = await freePort()
  const clients = new Set<Socket>()
  const hole = gate()
  let writes = 0
  let latencyMs = 0
  let cutsReplies = false
  const server = createServer({ noDelay: true }, accept)

  function accept(client: Socket): void {
    const redis = connect({ host, port: target, noDelay: true })
    clients.add(client)
    client.once('close', () => clients.delete(client))
    client.on('data', () => void writes++)
    redis.on('data', () => void (cutsReplies && client.destroy()))
    forward(client, redis, passage)
    forward(redis, client, passage)
  }

  async function passage(): Promise<void> {
    if (latencyMs > 0) await wait(latencyMs, undefined, { ref: false })
    await hole.opened()
  }

  async function listen(): Promise<void> {
    server.listen(port, host)
    await once(server, 'listening')
  }

  function cut(): void {
    for (const client of clients) client.destroy()
    clients.clear()
  }

  async function refuse(): Promise<void> {
    if (!server.listening) return
    server.close()
    cut()
    await once(server, 'close')
  }

  await listen()
  return {
    host,
    port,
    url: `redis://${host}:${port}`,
    get connections() {
      return clients.size
    },
    get writes() {
      return writes
    },
    latency(ms) {
      latencyMs = ms
    },
    blackhole: hole.close,
    cutReplies() {
      cutsReplies = true
    },
    cut,
    refuse,
    async restore() {
      latencyMs = 0
      cutsReplies = false
      hole.open()
      if (!server.listening) await listen()
    },
    async stop() {
      hole.open()
      await refuse()
    },
  }
}

/** Sends on what comes, in its order, each chunk when its own passage is over; then the end. */
function forward(from: Socket, to: Socket, passage: () => Promise<void>): void {
  let last = Promise.resolve()
  const after = (deliver: () => void) => {
    const passed = passage()
    last = last.then(() => passed).then(deliver)
  }
  from.on('data', (chunk) => after(() => void (to.destroyed || to.write(chunk))))
  // Who was cut off and why is for the other side to find out.
  from.on('error', () => {})
  from.once('close', () => after(() => void to.destroy()))
}

function gate(): { open(): void; close(): void; opened(): Promise<void> } {
  let waiting: (() => void)[] | undefined
  return {
    open() {
      for (const pass of waiting ?? []) pass()
      waiting = undefined
    },
    close() {
      waiting ??= []
    },
    opened: () => new Promise((resolve) => (waiting === undefined ? resolve() : waiting.push(resolve))),
  }
}
