import type { ClientHooks, RedisClient, Scanner, Subscriber, SubscriberHooks } from './client.ts'
import { replicaReads } from './replica-reads.ts'
import { slotOf } from './slot.ts'
import { anyOf, CONNECT_MS, inTime } from './subscriber.ts'

/** What the adapter needs of an ioredis `Redis` or `Cluster`, version 5 or 6. */
export interface IoredisClient {
  readonly status: string
  evalsha(...args: never[]): unknown
  on(event: string, listener: (error: Error) => void): unknown
  off(event: string, listener: (error: Error) => void): unknown
}

/** The commands that answer in bytes; ioredis has them, and leaves some out of its types. */
interface IoredisCommands extends IoredisClient {
  readonly options: RedisOptions & { readonly redisOptions?: RedisOptions; readonly scaleReads?: unknown }
  evalshaBuffer(sha: string, keys: number, ...args: unknown[]): Promise<unknown>
  evalBuffer(lua: string, keys: number, ...args: unknown[]): Promise<unknown>
  getBuffer(key: string): Promise<Buffer | null>
  mgetBuffer(keys: readonly string[]): Promise<(Buffer | null)[]>
  disconnect(reconnect?: boolean): void
}

interface RedisOptions {
  readonly host?: string
  readonly port?: number
  readonly keyPrefix?: string
  readonly stringNumbers?: boolean
}

interface IoredisRedis extends IoredisCommands {
  duplicate(options: object): IoredisRedis
  connect(): Promise<unknown>
  ping(): Promise<unknown>
  scan(cursor: string, ...args: (string | number)[]): Promise<[cursor: string, keys: string[]]>
  subscribe(channel: string): Promise<unknown>
  unsubscribe(channel: string): Promise<unknown>
  on(event: 'message', listener: (channel: string, message: string) => void): unknown
  on(event: string, listener: (error: Error) => void): unknown
}

interface IoredisCluster extends IoredisCommands {
  readonly slots: readonly (readonly string[] | undefined)[]
  nodes(role: 'master'): IoredisRedis[]
  refreshSlotsCache(done: (error: unknown) => void): void
}

export function isIoredis(client: unknown): client is IoredisRedis | IoredisCluster {
  return typeof client === 'object' && client !== null && 'evalshaBuffer' in client && 'duplicate' in client
}

/** @throws {TypeError} when it reads from replicas */
export function ioredisClient(client: IoredisRedis | IoredisCluster, hooks: ClientHooks): RedisClient {
  const { keyPrefix = '', stringNumbers, redisOptions, scaleReads = 'master' } = client.options
  if (scaleReads !== 'master') throw new TypeError(replicaReads('scaleReads'))
  const numbered = (stringNumbers ?? redisOptions?.stringNumbers) ? withNumbers : (reply: Promise<unknown>) => reply
  const cluster = 'slots' in client ? client : undefined
  const { outage, stop } = watchOutage(client, hooks)

  return {
    evalSha: (sha, keys, args) => numbered(client.evalshaBuffer(sha, keys.length, ...keys, ...args)),
    eval: (lua, keys, args) => numbered(client.evalBuffer(lua, keys.length, ...keys, ...args)),
    get: (key) => client.getBuffer(key),
    getMany: (keys) => client.mgetBuffer(keys),
    hasSlots: cluster !== undefined,
    slotOf: (key) => (cluster === undefined ? 0 : slotOf(keyPrefix + key)),
    masterOf: (slot) => cluster?.slots[slot]?.[0] ?? '',
    lookAgain() {}, // ioredis does by itself, whenever a node is lost
    masters: async () => ('slots' in client ? await mastersOf(client) : [client]).map((node) => scanner(node, keyPrefix)),
    subscriber: async (subscriberHooks) =>
      subscriber(anyOf('slots' in client ? client.nodes('master') : [client]), subscriberHooks, hooks),
    outage,
    async close() {
      if (hooks.isOwn) client.disconnect()
      else stop()
    },
  }
}

/**
 * The masters that have slots. ioredis lists those that it is connected to, and learns of others when it is sent to them.
 *
 * @throws {Error} when one of them is missing: its keys would be missed, and nobody would know
 */
async function mastersOf(cluster: IoredisCluster): Promise<IoredisRedis[]> {
  if (lostMaster(cluster) !== undefined) await new Promise((resolve) => cluster.refreshSlotsCache(resolve))
  const lost = lostMaster(cluster)
  if (lost !== undefined) throw new Error(`there is no connection to the master at ${lost}`)
  return cluster.nodes('master')
}

function lostMaster(cluster: IoredisCluster): string | undefined {
  const connected = new Set(cluster.nodes('master').map(({ options: { host, port } }) => `${host}:${port}`))
  return cluster.slots.find((nodes) => nodes?.[0] !== undefined && !connected.has(nodes[0]))?.[0]
}

/** Of a client that gives integers as text: only they are, as what is text to a script comes in bytes. */
async function withNumbers(reply: Promise<unknown>): Promise<unknown> {
  const given = await reply
  return Array.isArray(given) ? given.map(numberOf) : numberOf(given)
}

function numberOf(element: unknown): unknown {
  return typeof element === 'string' ? Number(element) : element
}

function watchOutage(client: IoredisClient, { onError, onReady }: ClientHooks): { outage(): Error | undefined; stop(): void } {
  let stood = client.status === 'ready'
  let outage: Error | undefined
  let lastError: Error | undefined
  const listeners: [string, (error: Error) => void][] = [
    [
      'ready',
      () => {
        outage = undefined
        lastError = undefined
        onReady(stood)
        stood = true
      },
    ],
    ['close', onClose],
    [
      'error',
      (error) => {
        lastError = error
        onError(error)
      },
    ],
  ]
  function onClose(): void {
    outage = lastError ?? new Error('the connection was closed')
  }
  for (const [event, listener] of listeners) client.on(event, listener)
  if (LOST.includes(client.status)) onClose()
  return {
    outage: () => outage,
    stop() {
      for (const [event, listener] of listeners) client.off(event, listener)
    },
  }
}

const LOST = ['reconnecting', 'close', 'end']

function scanner(node: IoredisRedis, keyPrefix: string): Scanner {
  return {
    keyPrefix,
    async scan(from, pattern, count) {
      const [cursor, keys] = await node.scan(from, 'MATCH', pattern, 'COUNT', count)
      return { cursor, keys }
    },
  }
}

async function subscriber(
  node: IoredisRedis,
  { onMessage, onEnd }: SubscriberHooks,
  { onError }: ClientHooks,
): Promise<Subscriber> {
  const own = node.duplicate({
    keyPrefix: '',
    readOnly: false,
    lazyConnect: true,
    enableOfflineQueue: true,
    autoResubscribe: false,
    retryStrategy: () => null,
    connectTimeout: CONNECT_MS,
    disconnectTimeout: DISCONNECT_MS,
  })
  own.on('error', onError)
  own.on('message', onMessage)
  own.on('end', onEnd)
  await inTime(own.connect(), () => own.disconnect())
  return {
    subscribe: (channel) => own.subscribe(channel),
    unsubscribe: (channel) => own.unsubscribe(channel),
    ping: () => own.ping(),
    close: () => own.disconnect(),
  }
}

/** The adapter's own client. It tries again soon and often, and never by itself sends a command a second time. */
export async function connectIoredis(url: string, hooks: Omit<ClientHooks, 'isOwn'>): Promise<RedisClient> {
  const loaded = await import('ioredis').catch((cause: unknown) => {
    throw new Error(MISSING, { cause })
  })
  const Redis = loaded.default as unknown as typeof loaded.Redis // types differ with the module's format; bundlers know no other name of it
  const client = new Redis(url, {
    retryStrategy: (attempts) => Math.min(50 * attempts, 500),
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    reconnectOnError: (error) => error.message.includes('READONLY'),
    maxLoadingRetryTime: 500, // it would wait for as long as Redis guesses that loading takes, up to 10 s
    connectTimeout: CONNECT_MS,
    disconnectTimeout: DISCONNECT_MS,
  })
  if (!isIoredis(client)) throw new TypeError('this version of ioredis has no evalshaBuffer')
  client.on('error', (error) => {
    if (isOfSelect(error)) client.disconnect(true) // it would go on in database 0, which may be another app's
  })
  return ioredisClient(client, { ...hooks, isOwn: true })
}

/** Whether the database that the URL names could not be had. */
function isOfSelect(error: Error): boolean {
  return 'command' in error && Reflect.get(Object(error.command), 'name') === 'select'
}

const MISSING =
  'redisAdapter({ url }) needs the package ioredis, which cannot be loaded: npm install ioredis, or give redisAdapter({ client })'

/** ioredis keeps the process alive so long, even when the connection it closes is gone already. */
const DISCONNECT_MS = 100
