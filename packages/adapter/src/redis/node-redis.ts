import type { RedisArgument } from '../operation.ts'
import type { ClientHooks, RedisClient, Scanner, Subscriber, SubscriberHooks } from './client.ts'
import { replicaReads } from './replica-reads.ts'
import { slotOf } from './slot.ts'
import { anyOf, CONNECT_MS, inTime } from './subscriber.ts'

/** What the adapter needs of a node-redis client or cluster, version 5 or 6. */
export interface NodeRedisClient {
  readonly isOpen: boolean
  evalSha(...args: never[]): unknown
  withTypeMapping(...args: never[]): unknown
  duplicate(...args: never[]): unknown
  on(event: string, listener: (error: Error) => void): unknown
  off(event: string, listener: (error: Error) => void): unknown
}

interface Commands {
  evalSha(sha: string, options: ScriptArguments): Promise<unknown>
  eval(lua: string, options: ScriptArguments): Promise<unknown>
  get(key: string): Promise<Buffer | null>
  mGet(keys: readonly string[]): Promise<(Buffer | null)[]>
}

interface ScriptArguments {
  readonly keys: readonly string[]
  readonly arguments: readonly (string | Buffer)[]
}

interface SharedByBoth extends NodeRedisClient {
  withTypeMapping(mapping: object): Commands
}

interface NodeRedisSingle extends SharedByBoth {
  readonly isReady: boolean
  readonly options?: { readonly socket?: object }
  duplicate(options: object): NodeRedisSingle
  connect(): Promise<unknown>
  sendCommand(args: readonly string[]): Promise<[cursor: string | Buffer, keys: (string | Buffer)[]]>
  subscribe(channel: string, listener: (message: string, channel: string) => void): Promise<unknown>
  unsubscribe(channel: string, listener: (message: string, channel: string) => void): Promise<unknown>
  ping(): Promise<unknown>
  destroy(): void
}

interface NodeRedisCluster extends SharedByBoth {
  readonly slots: readonly ({ readonly master: ClusterMaster } | undefined)[]
  readonly masters: readonly ClusterMaster[]
  nodeClient(master: ClusterMaster): Promise<NodeRedisSingle>
}

interface ClusterMaster {
  readonly address: string
  readonly client?: NodeRedisSingle
}

export function isNodeRedis(client: unknown): client is NodeRedisSingle | NodeRedisCluster {
  return typeof client === 'object' && client !== null && WANTED.every((method) => method in client)
}

/** A pool of clients cannot be duplicated: it has no connection for subscriptions. */
const WANTED = ['evalSha', 'withTypeMapping', 'duplicate']

/** Its commands take turns on a pool, and it sends again what may have run. */
export function isNodeRedisSentinel(client: unknown): boolean {
  return isNodeRedis(client) && 'getSentinelNode' in client
}

/** @throws {TypeError} when it reads from replicas */
export function nodeRedisClient(client: NodeRedisSingle | NodeRedisCluster, hooks: ClientHooks): RedisClient {
  if (usesReplicas(client)) throw new TypeError(replicaReads('useReplicas'))
  const commands = client.withTypeMapping({ [BLOB_STRING]: Buffer })
  const keyPrefix = keyPrefixOf(client)
  const cluster = 'masters' in client ? client : undefined
  const { outage, stop } = watchOutage(client, hooks)

  async function nodes(): Promise<readonly NodeRedisSingle[]> {
    if (!('masters' in client)) return [client]
    return Promise.all(client.masters.map((master) => client.nodeClient(master)))
  }

  return {
    evalSha: (sha, keys, args) => commands.evalSha(sha, { keys, arguments: args.map(asSent) }),
    eval: (lua, keys, args) => commands.eval(lua, { keys, arguments: args.map(asSent) }),
    get: (key) => commands.get(key),
    getMany: (keys) => commands.mGet(keys),
    hasSlots: cluster !== undefined,
    slotOf: (key) => (cluster === undefined ? 0 : slotOf(keyPrefix + key)),
    masterOf: (slot) => cluster?.slots[slot]?.master.address ?? '',
    lookAgain() {
      if (cluster !== undefined) rediscover(cluster).catch(hooks.onError)
    },
    masters: async () => (await nodes()).map((node) => scanner(node, keyPrefix)),
    async subscriber(subscriberHooks) {
      const node = 'masters' in client ? await client.nodeClient(anyOf(client.masters)) : client
      return subscriber(node, subscriberHooks, hooks)
    },
    outage,
    async close() {
      stop()
    },
  }
}

/** The type byte of RESP's strings, `$`: the key by which node-redis is told how to decode them. */
const BLOB_STRING = 36

/**
 * Has a cluster ask one of its masters who the others are. By itself node-redis 5 does so only when it is told MOVED, and a master
 * that is dead tells nothing; version 6 takes some seconds. What they do it by is not documented: without it, nothing is lost.
 */
async function rediscover(cluster: NodeRedisCluster): Promise<void> {
  const slots: unknown = Reflect.get(cluster, '_slots')
  const alive = cluster.masters.find(({ client }) => client?.isReady)?.client
  if (alive === undefined || typeof slots !== 'object' || slots === null || !('rediscover' in slots)) return
  if (typeof slots.rediscover === 'function') await Reflect.apply(slots.rediscover, slots, [alive])
}

/** Both versions keep the options of a cluster by this name, which is not documented. */
function usesReplicas(client: object): boolean {
  const options: unknown = Reflect.get(client, '_options')
  return typeof options === 'object' && options !== null && Reflect.get(options, 'useReplicas') === true
}

/** Text or bytes, which version 6 tells of both its clients and its clusters, if by a name of its own. */
function keyPrefixOf(client: object): string {
  const prefix: unknown = Reflect.get(client, '_keyPrefix')
  return typeof prefix === 'string' || Buffer.isBuffer(prefix) ? String(prefix) : ''
}

function asSent(arg: RedisArgument): string | Buffer {
  return typeof arg === 'number' ? String(arg) : arg
}

function watchOutage(
  client: NodeRedisSingle | NodeRedisCluster,
  { onError, onReady }: ClientHooks,
): { outage(): Error | undefined; stop(): void } {
  let stood = 'isReady' in client && client.isReady
  let lastError: Error | undefined
  const listeners: [string, (error: Error) => void][] = [
    [
      'error',
      (error) => {
        lastError = error
        onError(error)
      },
    ],
    [
      'ready',
      () => {
        lastError = undefined
        onReady(stood)
        stood = true
      },
    ],
  ]
  for (const [event, listener] of listeners) client.on(event, listener)
  return {
    outage() {
      if (!client.isOpen) return new Error('the client is not connected: call its connect() first, and close it last')
      if ('masters' in client || client.isReady) return undefined
      return lastError
    },
    stop() {
      for (const [event, listener] of listeners) client.off(event, listener)
    },
  }
}

function scanner(node: NodeRedisSingle, keyPrefix: string): Scanner {
  return {
    keyPrefix,
    async scan(from, pattern, count) {
      const [cursor, keys] = await node.sendCommand(['SCAN', from, 'MATCH', pattern, 'COUNT', String(count)])
      return { cursor: String(cursor), keys: keys.map(String) } // an app may have its client decode strings as bytes
    },
  }
}

async function subscriber(
  node: NodeRedisSingle,
  { onMessage, onEnd }: SubscriberHooks,
  { onError }: ClientHooks,
): Promise<Subscriber> {
  const own = node.duplicate({
    disableOfflineQueue: false,
    socket: { ...node.options?.socket, reconnectStrategy: false, connectTimeout: CONNECT_MS },
  })
  own.on('error', (error) => {
    onError(error)
    onEnd()
  })
  own.on('end', onEnd)
  // One function for all channels: subscribing twice with another would deliver twice. It is named where a channel is left, too: else who
  // subscribes before Redis has confirmed that is taken off with it.
  const listener = (message: string, channel: string): void => onMessage(channel, message)
  function close(): void {
    if (own.isOpen) own.destroy()
  }
  await inTime(own.connect(), close)
  return {
    subscribe: (channel) => own.subscribe(channel, listener),
    unsubscribe: (channel) => own.unsubscribe(channel, listener),
    ping: () => own.ping(),
    close,
  }
}
