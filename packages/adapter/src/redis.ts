import type { Adapter, CallOptions } from './adapter.ts'
import { AdapterUnavailableError, AdapterWrongTypeError } from './errors.ts'
import { assertOneSlot } from './keys.ts'
import type { Operation, RedisReply } from './operation.ts'
import { checkedNow, checkedTtl } from './options.ts'
import type { RedisClient } from './redis/client.ts'
import { checkedTimeout, createWithDeadline, type Waiting } from './redis/deadline.ts'
import { translated } from './redis/errors.ts'
import { redisEvents } from './redis/events.ts'
import type { IoredisClient } from './redis/ioredis.ts'
import { openClient } from './redis/open.ts'
import { createOutageWarning } from './redis/outage-warning.ts'
import { createRunScript } from './redis/run-script.ts'
import { scriptOf } from './redis/script.ts'
import { deleteValue, getValue, setValue } from './redis/values.ts'
import { type AdapterCall, traced } from './trace.ts'

export type RedisAdapterOptions = RedisAdapterSettings &
  (
    | {
        /** An ioredis 5 or 6 client, yours: `close()` leaves it open. Best with `autoResendUnfulfilledCommands: false`. */
        readonly client: IoredisClient
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
 * An adapter that keeps everything in Redis, shared by all processes that use it.
 *
 * It starts while Redis is down, and works again by itself when Redis does. Every call ends within `timeoutMs`.
 *
 * @throws {TypeError | RangeError} when an option is missing or out of range
 */
export function redisAdapter({ client: given, url, prefix = '', timeoutMs = 500, now }: RedisAdapterOptions): Adapter {
  if (typeof prefix !== 'string') throw new TypeError(`prefix must be a string, got ${typeof prefix}`)
  checkedTimeout(timeoutMs)
  checkedNow(now)
  const warning = createOutageWarning()
  const runScript = createRunScript()
  let closed = false
  let client: RedisClient | undefined
  const opening = Promise.resolve(openClient(given, url, onConnectionError)).then((opened) => {
    client = opened
    return opened
  })
  opening.catch(onConnectionError)
  const { events, close: closeEvents } = redisEvents(prefix, perform)
  const withDeadline = createWithDeadline({
    succeeded: warning.succeeded,
    failed(error, call) {
      const failure = translated(error, call)
      if (!closed) warning.failed(failure)
      return failure
    },
  })

  function onConnectionError(error: Error): void {
    if (!closed) warning.failed(new AdapterUnavailableError(`Redis cannot be reached: ${error.message}`))
  }

  function perform<T>(
    asked: Omit<AdapterCall, 'backend'>,
    options: CallOptions | undefined,
    work: (client: RedisClient, waiting: Waiting) => Promise<T>,
  ): Promise<T> {
    const call: AdapterCall = { backend: 'redis', ...asked }
    const limitMs = options?.timeoutMs === undefined ? timeoutMs : checkedTimeout(options.timeoutMs)
    return traced(call, () => withDeadline(call, limitMs, options?.signal, (waiting) => send(work, waiting)))
  }

  function send<T>(work: (client: RedisClient, waiting: Waiting) => Promise<T>, waiting: Waiting): Promise<T> {
    if (closed) return Promise.reject(new AdapterUnavailableError('The Redis adapter was closed'))
    if (client === undefined) return opening.then(() => send(work, waiting))
    const outage = client.outage()
    return outage === undefined ? work(client, waiting) : Promise.reject(outage)
  }

  async function run<S, A, R>(operation: Operation<S, A, R>, key: string, args: A, options?: CallOptions): Promise<R> {
    const keys = [prefix + key]
    if (operation.keys !== undefined) {
      for (const further of operation.keys(key, args)) keys.push(prefix + further)
      assertOneSlot(operation.name, prefix + key, keys)
    }
    const argv = [...operation.encode(args), prefix, now === undefined ? '' : now()]
    const reply = await perform({ call: 'run', operation: operation.name, key }, options, (opened, waiting) =>
      runScript(opened, scriptOf(operation), keys, argv, waiting),
    )
    // A script returns one flat array of integers and strings; the clients answer strings in bytes.
    return operation.decode(reply as RedisReply[])
  }

  async function get(key: string, options?: CallOptions): Promise<Uint8Array | undefined> {
    if (now !== undefined) return run(getValue, key, undefined, options)
    return (await perform({ call: 'get', key }, options, (opened) => opened.get(prefix + key))) ?? undefined
  }

  async function getMany(keys: readonly string[], options?: CallOptions): Promise<(Uint8Array | undefined)[]> {
    if (keys.length === 0) return []
    if (now !== undefined) return Promise.all(keys.map((key) => get(key, options).catch(undefinedIfState)))
    const prefixed = keys.map((key) => prefix + key)
    const values = await perform({ call: 'getMany', key: keys.join(' ') }, options, (opened) => opened.getMany(prefixed))
    return values.map((value) => value ?? undefined)
  }

  return {
    scope: 'shared',
    now: now ?? Date.now,
    run,
    get,
    getMany,
    async set(key, { buffer, byteOffset, byteLength }, ttlMs, options) {
      const value = Buffer.from(buffer, byteOffset, byteLength)
      return run(setValue, key, { value, ttlMs: checkedTtl(ttlMs) }, options)
    },
    delete: (key, options) => run(deleteValue, key, undefined, options),
    events,
    async close() {
      if (closed) return
      closed = true
      closeEvents()
      await opening.then((opened) => opened.close()).catch(() => {}) // one that never opened needs no closing
    },
  }
}

function undefinedIfState(error: unknown): undefined {
  if (!(error instanceof AdapterWrongTypeError)) throw error
}
