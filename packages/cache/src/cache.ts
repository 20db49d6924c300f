import { shown } from '@holdfast/adapter/options'
import { createBudget } from './budget.ts'
import { isLoading } from './context.ts'
import { createEntries } from './entries.ts'
import { RecursiveLoadError } from './errors.ts'
import { servedFreshMs } from './freshness.ts'
import { createLoading } from './loading.ts'
import { createLoads } from './loads.ts'
import { createGetMany, type ManyLoader } from './many.ts'
import { createNear } from './near.ts'
import { type CacheOptions, checkedOptions, checkedTags, type GetOptions, type LoadOptions, lifetimeOf } from './options.ts'
import { createReader } from './reader.ts'
import { createTasks, type Loader, timesOf } from './tasks.ts'
import { untilAborted } from './until-aborted.ts'
import { keyOf } from './wrap-key.ts'

export interface Cache {
  readonly name: string

  /**
   * The value of `key`; where there is none, what `loader` gives, which is kept.
   *
   * One loader runs for a key at a time, over all processes; whoever asks meanwhile gets what it gives, or its error. `null` is a
   * value; `undefined` is not kept.
   *
   * @throws What the loader throws, where no stale value may be given
   * @throws {LoadTimeoutError} when the load takes longer than `hardTimeoutMs`, likewise
   * @throws {RecursiveLoadError} when the loader of `key` asks for it
   * @throws {AdapterError} when the adapter fails, with `failure: 'closed'`
   * @throws The reason of the call's `signal`, when it is aborted; others who wait for the load get what it gives
   */
  getOrSet<Value>(key: string, loader: Loader<Value>, options?: GetOptions): Promise<Value>

  /** The values of `keys`, in their order. The loader is called once for those that this process is to load. */
  getMany<Value>(keys: readonly string[], loader: ManyLoader<Value>, options?: LoadOptions): Promise<(Value | undefined)[]>

  /**
   * The value of `key`, fresh or to be served stale; undefined when there is none, or when the adapter fails.
   *
   * @throws {AdapterError} when the adapter fails, with `failure: 'closed'`
   */
  get<Value>(key: string): Promise<Value | undefined>

  /**
   * For how many milliseconds the value that `get` gives is still fresh: 0 where it is served stale; undefined when there is none, or
   * when the adapter fails. One command; a copy in this process is not asked.
   *
   * @throws {AdapterError} when the adapter fails, with `failure: 'closed'`
   */
  freshMs(key: string): Promise<number | undefined>

  /**
   * Keeps a value. What is read afterwards, anywhere, is this one; a load that is going on does not replace it.
   *
   * @throws {AdapterError} when the adapter fails
   * @throws {TypeError} when the value is undefined; what the codec throws, when it cannot encode it
   */
  set(key: string, value: unknown, options?: LoadOptions): Promise<void>

  /**
   * Drops a value; a load that is going on does not bring it back.
   *
   * @throws {AdapterError} when the adapter fails
   */
  delete(key: string): Promise<void>

  /**
   * Drops all that has one of these tags, in every cache on this adapter, in every process: no value is given afterwards whose load
   * began before. One command for 100 tags, however many values have them.
   *
   * @throws {AdapterError} when the adapter fails
   */
  invalidateTags(tags: readonly string[]): Promise<void>

  /**
   * Drops all values of this cache. One command.
   *
   * @throws {AdapterError} when the adapter fails
   */
  clear(): Promise<void>

  /** The same function, cached: its key is its argument, when that is one string, else a JSON of the arguments. */
  wrap<Args extends unknown[], Value>(
    load: (...args: Args) => Promise<Value> | Value,
    options?: LoadOptions,
  ): (...args: Args) => Promise<Value>
}

/**
 * Makes a cache of what is slow to compute.
 *
 * @throws {TypeError | RangeError} when an option is missing, unknown or out of range
 */
export function createCache(options: CacheOptions): Cache {
  const settings = checkedOptions(options)
  const { adapter, name, lifetime: defaults, jitter, timeoutMs, codec, failure } = settings
  const entries = createEntries(adapter, name)
  const near = settings.near && createNear(adapter, settings.near, { ...entries, decode: codec.decode })
  const reader = createReader(settings, entries, near)
  const loads = createLoads(adapter, entries)
  const taskOf = createTasks(settings, { entries, reader })
  const { obtain, refresh, conclude } = createLoading(settings, { loads, reader })
  const getMany = createGetMany({ subjectOf: entries.subjectOf, reader, taskOf, obtain, refresh, conclude })

  function checkLoader(loader: unknown, keys: readonly string[]): void {
    if (typeof loader !== 'function') throw new TypeError(`loader must be a function, got ${typeof loader}`)
    for (const key of keys) if (isLoading(entries.subjectOf(key))) throw new RecursiveLoadError(name, key)
  }

  async function getOrLoad(
    key: string,
    loader: Loader<unknown>,
    callOptions: LoadOptions | undefined,
    signal: AbortSignal | undefined,
  ): Promise<unknown> {
    const lifetime = lifetimeOf(defaults, callOptions)
    checkLoader(loader, [key])
    const flight = await reader.look(key)
    signal?.throwIfAborted() // before anything is loaded for nobody
    const found = reader.found(key, flight)
    if (found?.state === 'fresh') return found.value
    const task = taskOf(key, lifetime, loader, { waits: found?.state !== 'stale', stale: found })
    if (found?.state !== 'stale') return conclude(task, obtain(task, flight), lifetime, found)
    refresh(task, flight)
    return found.value
  }

  function getOrSet<Value>(key: string, loader: Loader<Value>, callOptions?: GetOptions): Promise<Value> {
    const copy = reader.near(key)
    const value = copy === undefined ? loadFor(key, loader, callOptions) : Promise.resolve(copy.value)
    return value as Promise<Value> // what is kept under the key is what such a loader gave
  }

  /** For a caller who may leave. */
  function loadFor(key: string, loader: Loader<unknown>, callOptions: GetOptions | undefined): Promise<unknown> {
    if (callOptions?.signal === undefined) return getOrLoad(key, loader, callOptions, undefined)
    const { signal, ...loadOptions } = callOptions
    return untilAborted(signal, () => getOrLoad(key, loader, loadOptions, signal))
  }

  async function drop(key: string): Promise<void> {
    near?.forget(key)
    await entries.drop(key, createBudget(timeoutMs))
    near?.forget(key)
  }

  return {
    name,
    getOrSet,

    async getMany<Value>(keys: readonly string[], loader: ManyLoader<Value>, callOptions?: LoadOptions) {
      const lifetime = lifetimeOf(defaults, callOptions)
      if (!Array.isArray(keys)) throw new TypeError(`keys must be a list of strings, got ${shown(keys)}`)
      checkLoader(loader, keys)
      return (await getMany(keys, loader, lifetime)) as (Value | undefined)[] // as above
    },

    async get<Value>(key: string) {
      entries.subjectOf(key)
      const copy = reader.near(key)
      if (copy !== undefined) return copy.value as Value // as above
      const flight = await reader.look(key)
      if (!('entry' in flight.looked) && failure === 'closed') throw flight.looked
      const found = reader.found(key, flight)
      return found === undefined || found.state === 'stale-if-error' ? undefined : (found.value as Value) // as above
    },

    async freshMs(key) {
      const { looked } = await reader.look(key)
      if (!('entry' in looked)) {
        if (failure === 'closed') throw looked
        return undefined
      }
      return looked.entry && servedFreshMs(looked.entry, adapter.now())
    },

    async set(key, value, callOptions) {
      if (value === undefined) throw new TypeError('undefined is no value: use delete, or null')
      const { tags, ...lifetime } = lifetimeOf(defaults, callOptions)
      const body = codec.encode(value)
      const times = timesOf(value, { ...lifetime, tags }, jitter)
      if (times.freshMs === 0) return drop(key)
      const budget = createBudget(timeoutMs)
      near?.forget(key)
      const moment = await entries.moment(budget)
      await entries.keep(key, '', { ...moment, ...times, storedAt: adapter.now(), loadMs: 0, tags, body }, budget)
      near?.forget(key)
    },

    delete: drop,

    async invalidateTags(tags) {
      const checked = checkedTags(tags)
      await entries.purge(checked, createBudget(timeoutMs))
      near?.purge(checked)
    },

    async clear() {
      await entries.purge([entries.tag], createBudget(timeoutMs))
      near?.purge([entries.tag])
    },

    wrap(load, callOptions) {
      lifetimeOf(defaults, callOptions)
      checkLoader(load, [])
      return (...args) => getOrSet(keyOf(args), () => load(...args), callOptions)
    },
  }
}
