import type { Adapter, CallOptions } from './adapter.ts'
import { checkedEncoded, checkedNow, checkedTimeout, checkedTtl, checkedValue, wholeMs } from './arguments.ts'
import { checkedString, checkKnown } from './checks.ts'
import { assertOneSlot, valueKey } from './keys.ts'
import type { Operation } from './operation.ts'
import { publishMessage } from './publish-message.ts'
import { type Batches, createBatches } from './redis/batches.ts'
import type { RedisClient } from './redis/client.ts'
import { createConnection } from './redis/connection.ts'
import { redisEvents } from './redis/events.ts'
import { hashTagOf } from './redis/hash-tags.ts'
import type { IoredisClient } from './redis/ioredis.ts'
import type { NodeRedisClient } from './redis/node-redis.ts'
import { isClient, openClient } from './redis/open.ts'
import { plainReads, timedReads } from './redis/reads.ts'
import { scanKeys } from './redis/scan.ts'
import { scriptOf } from './redis/script.ts'
import { createSendScript } from './redis/send-script.ts'
import { deleteValue, setValue } from './redis/values.ts'
import type { AdapterCall } from './trace.ts'

export type RedisAdapterOptions = RedisAdapterSettings &
  (
    | {
        /**
         * Yours: `close()` leaves it open. A `Redis` (Sentinel included) or `Cluster` of ioredis 5 or 6, or a client or cluster of
         * node-redis 5 or 6, connected.
         */
        readonly client: IoredisClient | NodeRedisClient
        readonly url?: never
      }
    | {
        /** `redis://…` or `rediss://…`: the adapter makes an ioredis client of its own, and closes it. */
        readonly url: string
        readonly client?: never
      }
  )

interface RedisAdapterSettings {
  /** What every key and channel begins with. Defaults to none. */
  readonly prefix?: string
  /** How long a call may take, in milliseconds. Defaults to 500. */
  readonly timeoutMs?: number
  /** The clock, for tests. Defaults to Redis' own, one for all processes. */
  readonly now?: () => number
}

/**
 * An adapter that keeps everything in Redis, shared by all processes that use it: a single server, Sentinel or Cluster.
 *
 * It starts while Redis is down, and works again by itself when Redis does. Every call ends within `timeoutMs`.
 *
 * @throws {TypeError | RangeError} when an option is missing, unknown or out of range
 */
export function redisAdapter(options: RedisAdapterOptions): Adapter {
  if (isClient(options)) throw new TypeError('redisAdapter takes options: give it the client as redisAdapter({ client })')
  checkKnown('redisAdapter', options, ['client', 'url', 'prefix', 'timeoutMs', 'now'])
  const { client: given, url, prefix = '', timeoutMs = 500 } = options
  checkedString('prefix', prefix)
  checkedTimeout(timeoutMs)
  checkedNow(options.now)
  const now = options.now === undefined ? undefined : wholeMs(options.now)
  const connection = createConnection((hooks) => openClient(given, url, hooks), timeoutMs)
  const reads = now === undefined ? plainReads(connection, prefix, timeoutMs + PATIENCE_MS) : timedReads(run)
  const { events, close: closeEvents } = redisEvents(prefix, connection, (channel, message, options) =>
    runAs({ call: 'publish', backend: 'redis', key: channel }, publishMessage, channel, { channel, message }, options),
  )
  let batches: Batches | undefined
  connection.onReady(() => batches?.resume())

  function batchesOn(client: RedisClient): Batches {
    batches ??= createBatches({
      send: createSendScript(client, connection),
      header: () => [now === undefined ? '' : now(), prefix],
      patienceMs: timeoutMs + PATIENCE_MS,
    })
    return batches
  }

  async function runAs<S, A, R>(
    call: AdapterCall,
    operation: Operation<S, A, R>,
    key: string,
    args: A,
    options: CallOptions | undefined,
  ): Promise<R> {
    const keys = [prefix + key]
    if (operation.keys !== undefined) {
      for (const further of operation.keys(key, args)) keys.push(prefix + further)
    }
    if (operation.value === true) keys.push(prefix + valueKey(key))
    if (keys.length > 1) assertOneSlot(operation.name, prefix + key, keys)
    const encoded = checkedEncoded(operation.name, operation.encode(args))
    const reply = await connection.perform(call, options, (client, waiting) => {
      const slot = client.slotOf(prefix + key)
      connection.admit(client, slot, waiting)
      return batchesOn(client).run({ script: scriptOf(operation), slot, keys, args: encoded, waiting })
    })
    return operation.decode(reply)
  }

  function run<S, A, R>(operation: Operation<S, A, R>, key: string, args: A, options?: CallOptions): Promise<R> {
    return runAs({ call: 'run', backend: 'redis', operation: operation.name, key }, operation, key, args, options)
  }

  return {
    scope: 'shared',
    now: now ?? Date.now,
    run,
    ...reads,
    async set(key, value, ttlMs, options) {
      const { buffer, byteOffset, byteLength } = checkedValue(value)
      return run(setValue, key, { value: Buffer.from(buffer, byteOffset, byteLength), ttlMs: checkedTtl(ttlMs) }, options)
    },
    delete: (key, options) => run(deleteValue, key, undefined, options),
    hashTagOf(key) {
      const client = connection.client()
      return client?.hasSlots === true ? hashTagOf(client.slotOf(prefix + key)) : ''
    },
    scan: (keyPrefix, options) => scanKeys(connection, prefix, keyPrefix, options),
    events,
    async close() {
      const closing = connection.close()
      closeEvents()
      await closing
    },
  }
}

/** Less than it takes until the circuit lets a probe through, which must not be kept back by what was never answered. */
const PATIENCE_MS = 250
