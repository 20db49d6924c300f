import type { Adapter, CallOptions } from './adapter.ts'
import { checkCallOptions, checkedNow, checkedTtl, checkedValue, wholeMs } from './arguments.ts'
import { checkedWhole, checkKnown } from './checks.ts'
import { AdapterUnavailableError, AdapterWrongTypeError, OperationError } from './errors.ts'
import { assertOneSlot, sentAs, valueKey } from './keys.ts'
import { memoryEvents } from './memory/emitter.ts'
import { createLru } from './memory/lru.ts'
import { type Entry, States } from './memory/states.ts'
import type { Operation, Transition } from './operation.ts'
import { type AdapterCall, isTraced, traced } from './trace.ts'

export interface MemoryAdapterOptions {
  /** Bytes of values, and bytes of raw-string and other large states, that are kept. Defaults to 64 MiB. */
  readonly maxBytes?: number
  /** States that are kept; one more is an `AdapterFullError`. Defaults to 1,000,000. */
  readonly maxStates?: number
  /** The clock, in milliseconds since the epoch. Defaults to `Date.now`. */
  readonly now?: () => number
}

type Next<State> = NonNullable<Transition<State, never>['next']>
type Beside = NonNullable<Transition<never, never>['value']> | null

/**
 * An adapter that keeps everything in this process: for tests, for a laptop, for an app that runs once.
 *
 * Values are evicted, least recently used first; states never are. No timers.
 *
 * @throws {RangeError | TypeError} when an option is unknown or out of range
 */
export function memoryAdapter(options: MemoryAdapterOptions = {}): Adapter {
  checkKnown('memoryAdapter', options, ['maxBytes', 'maxStates', 'now'])
  const { maxBytes = 64 * 2 ** 20, maxStates = 1_000_000 } = options
  checkedWhole('maxBytes', maxBytes, 1)
  checkedWhole('maxStates', maxStates, 1)
  checkedNow(options.now)
  const now = options.now === undefined ? Date.now : wholeMs(options.now)
  const states = new States(maxStates, maxBytes)
  const values = createLru<Buffer>({ maxBytes, sizeOf: ({ byteLength }) => byteLength, now })
  const events = memoryEvents(check)
  let closed = false

  function check(options?: CallOptions): void {
    if (options !== undefined) checkCallOptions(options)
    if (closed) throw new AdapterUnavailableError('The memory adapter was closed', { isClosed: true })
    options?.signal?.throwIfAborted()
  }

  function step<S, A, R>(operation: Operation<S, A, R>, key: string, args: A): R {
    const { state: kind = 'hash' } = operation
    const time = now()
    if (values.has(key)) throw new AdapterWrongTypeError(key)
    if (operation.keys !== undefined) assertOneSlot(operation.name, key, operation.keys(key, args))
    if (operation.value === true) assertOneSlot(operation.name, key, [valueKey(key)])
    const entry = states.find(key, time)
    if (entry !== undefined && entry.kind !== kind) throw new AdapterWrongTypeError(key)
    // What is under a key was left by an operation that works on this kind of state: only the caller can know more.
    const { result, next, value, publish } = operation.step(entry?.state as S | undefined, args, time, entry?.endsAt)
    if (value !== undefined) checkBeside(operation, key, value)
    if (next === null) states.delete(key)
    else if (next !== undefined) save(operation, key, entry, next, time)
    if (value !== undefined) saveBeside(key, value)
    for (const { channel, message } of publish ?? []) events.emit(channel, message)
    return result
  }

  function save<S, A, R>(
    operation: Operation<S, A, R>,
    key: string,
    before: Entry | undefined,
    { state, ttlMs }: Next<S>,
    time: number,
  ): void {
    const { name, state: kind = 'hash' } = operation
    if (!Number.isSafeInteger(ttlMs)) throw new OperationError(`Operation ${name} gave a ttlMs of ${ttlMs}`)
    if (ttlMs <= 0) return states.delete(key)
    const bytes = operation.bytesOf?.(state) ?? (state instanceof Uint8Array ? state.byteLength : 0)
    if (before?.state === state && before.bytes !== bytes) {
      throw new OperationError(`Operation ${name} changed in place a state that its bytesOf counts: return another one`)
    }
    states.save(key, { kind, state, bytes, endsAt: time + ttlMs }, time)
  }

  /** Before the state is saved: a step is done as a whole, or not at all. */
  function checkBeside<S, A, R>({ name, value: isDeclared }: Operation<S, A, R>, key: string, value: Beside): void {
    if (isDeclared !== true) throw new OperationError(`Operation ${name} gave a value, but does not declare it`)
    if (value !== null && !Number.isSafeInteger(value.ttlMs)) {
      throw new OperationError(`Operation ${name} gave a value a ttlMs of ${value.ttlMs}`)
    }
    if (states.find(valueKey(key), now()) !== undefined) throw new AdapterWrongTypeError(valueKey(key))
  }

  function saveBeside(key: string, value: Beside): void {
    if (value === null) values.delete(valueKey(key))
    else values.set(valueKey(key), Buffer.from(value.bytes), value.ttlMs)
  }

  function get(key: string): Uint8Array | undefined {
    if (states.find(key, now()) !== undefined) throw new AdapterWrongTypeError(key)
    return copyOf(key)
  }

  /** A copy: nobody can change what others read. */
  function copyOf(key: string): Uint8Array | undefined {
    const value = values.get(key)
    return value === undefined ? undefined : Buffer.from(value)
  }

  function set(key: string, value: Uint8Array, ttlMs: number): void {
    if (states.find(key, now()) !== undefined) throw new AdapterWrongTypeError(key)
    values.set(key, Buffer.from(value), ttlMs)
  }

  function remove(key: string): void {
    if (states.find(key, now()) !== undefined) throw new AdapterWrongTypeError(key)
    values.delete(key)
  }

  async function perform<T>(call: Omit<AdapterCall, 'backend'>, options: CallOptions | undefined, work: () => T): Promise<T> {
    check(options)
    return isTraced() ? traced({ ...call, backend: 'memory' }, async () => work()) : work()
  }

  return {
    scope: 'process',
    now,
    async run(operation, key, args, options) {
      check(options)
      if (!isTraced()) return step(operation, sentAs(key), args)
      const call = { call: 'run', backend: 'memory', operation: operation.name, key } as const
      return traced(call, async () => step(operation, sentAs(key), args))
    },
    get: (key, options) => perform({ call: 'get', key }, options, () => get(sentAs(key))),
    getMany: (keys, options) => perform({ call: 'getMany', key: keys.join(' ') }, options, () => keys.map(sentAs).map(copyOf)),
    set: (key, value, ttlMs, options) =>
      perform({ call: 'set', key }, options, () => set(sentAs(key), checkedValue(value), checkedTtl(ttlMs))),
    delete: (key, options) => perform({ call: 'delete', key }, options, () => remove(sentAs(key))),
    async *scan(prefix, options) {
      check(options)
      const begin = sentAs(prefix)
      const found: string[] = [] // taken at one moment: what is used, dropped or kept meanwhile would come again
      for (const keys of [states.keys(now()), values.keys()]) {
        for (const key of keys) if (key.startsWith(begin)) found.push(key)
      }
      yield* found
    },
    events,
    async close() {
      closed = true
      events.end()
    },
  }
}
