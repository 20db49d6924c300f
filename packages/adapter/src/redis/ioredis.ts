import type { RedisClient, Subscriber } from './client.ts'

/** What the adapter needs of an ioredis `Redis`, version 5 or 6. */
export interface IoredisClient {
  readonly status: string
  evalsha(...args: never[]): unknown
  duplicate(options?: object): unknown
  on(event: string, listener: (error: Error) => void): unknown
  off(event: string, listener: (error: Error) => void): unknown
}

/** The same client with the commands that answer in bytes; ioredis has them, and leaves some out of its types. */
interface IoredisCommands extends IoredisClient {
  evalshaBuffer(sha: string, keys: number, ...args: unknown[]): Promise<unknown>
  evalBuffer(lua: string, keys: number, ...args: unknown[]): Promise<unknown>
  getBuffer(key: string): Promise<Buffer | null>
  mgetBuffer(keys: readonly string[]): Promise<(Buffer | null)[]>
  publish(channel: string, message: string): Promise<unknown>
  on(event: 'message', listener: (channel: string, message: string) => void): unknown
  on(event: string, listener: (error: Error) => void): unknown
  subscribe(...channels: string[]): Promise<unknown>
  unsubscribe(channel: string): Promise<unknown>
  disconnect(): void
}

export function isIoredis(client: unknown): client is IoredisCommands {
  return typeof client === 'object' && client !== null && 'evalshaBuffer' in client && 'duplicate' in client
}

interface Ownership {
  /** `close` ends a client of the adapter's own, and lets go of one that was given. */
  readonly isOwn: boolean
  onError(error: Error): void
}

export function ioredisClient(client: IoredisCommands, { isOwn, onError }: Ownership): RedisClient {
  let outage: Error | undefined
  let lastError: Error | undefined
  const onReady = (): void => {
    outage = undefined
    lastError = undefined
  }
  const onClose = (): void => {
    outage = lastError ?? new Error('the connection was closed')
  }
  const failed = (error: Error): void => {
    lastError = error
    onError(error)
  }
  client.on('ready', onReady)
  client.on('close', onClose)
  client.on('error', failed)
  if (client.status === 'reconnecting' || client.status === 'close') onClose()

  return {
    evalSha: (sha, keys, args) => client.evalshaBuffer(sha, keys.length, ...keys, ...args),
    eval: (lua, keys, args) => client.evalBuffer(lua, keys.length, ...keys, ...args),
    get: (key) => client.getBuffer(key),
    getMany: (keys) => client.mgetBuffer(keys),
    publish: (channel, message) => client.publish(channel, message),
    subscriber: () => subscriber(client, onError),
    outage: () => outage,
    async close() {
      if (isOwn) return client.disconnect()
      client.off('ready', onReady)
      client.off('close', onClose)
      client.off('error', failed)
    },
  }
}

function subscriber(client: IoredisCommands, onError: (error: Error) => void): Subscriber {
  const own = client.duplicate({
    enableOfflineQueue: true,
    lazyConnect: false,
    maxRetriesPerRequest: null,
    retryStrategy,
    disconnectTimeout: DISCONNECT_MS,
  })
  if (!isIoredis(own)) throw new TypeError('duplicate() of this client gave no client')
  let connections = 0
  own.on('error', onError)
  return {
    subscribe: (channels) => own.subscribe(...channels),
    unsubscribe: (channel) => own.unsubscribe(channel),
    onMessage: (listener) => own.on('message', listener),
    onReconnect: (listener) =>
      own.on('ready', () => {
        connections += 1
        if (connections > 1) listener()
      }),
    close: () => own.disconnect(),
  }
}

/** The adapter's own client. It tries again soon and often, and never by itself sends a command a second time. */
export async function connectIoredis(url: string, onError: (error: Error) => void): Promise<RedisClient> {
  const { Redis } = await import('ioredis')
  const client = new Redis(url, {
    retryStrategy,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    disconnectTimeout: DISCONNECT_MS,
  })
  if (!isIoredis(client)) throw new TypeError('this version of ioredis has no evalshaBuffer')
  return ioredisClient(client, { isOwn: true, onError })
}

/** ioredis keeps the process alive so long, even when the connection it closes is gone already. */
const DISCONNECT_MS = 100

function retryStrategy(attempts: number): number {
  return Math.min(50 * attempts, 500)
}
