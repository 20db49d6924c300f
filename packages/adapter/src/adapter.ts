import type { Operation } from './operation.ts'

/**
 * Runs atomic operations and keeps values, in Redis or in memory.
 *
 * Each call is atomic on its own. Calls of which one does not wait for the other may overtake each other.
 */
export interface Adapter {
  /** Who sees what this adapter keeps: this process, or everyone on the same Redis. */
  readonly scope: 'process' | 'shared'

  /** The clock of everything that is built on this adapter, in milliseconds since the epoch. */
  readonly now: () => number

  /**
   * Runs one atomic step on the state behind `key`. One round trip.
   *
   * @throws {AdapterTimeoutError} after `timeoutMs`; the step may have run
   * @throws {AdapterUnavailableError} when Redis cannot be reached or refuses
   * @throws {AdapterFullError} when memory holds as many states as it may
   * @throws {AdapterWrongTypeError} when `key` holds a value
   */
  run<State, Args, Result>(
    operation: Operation<State, Args, Result>,
    key: string,
    args: Args,
    options?: CallOptions,
  ): Promise<Result>

  /** The value under `key`, or undefined. Values are a cache: they may be evicted before their end. */
  get(key: string, options?: CallOptions): Promise<Uint8Array | undefined>

  /** The values under `keys`, in their order. A key that holds a state reads as undefined. */
  getMany(keys: readonly string[], options?: CallOptions): Promise<(Uint8Array | undefined)[]>

  /** Keeps a copy of `value` for `ttlMs` milliseconds; with a `ttlMs` of 0 or less, nothing is kept under `key`. */
  set(key: string, value: Uint8Array, ttlMs: number, options?: CallOptions): Promise<void>

  /** Drops the value under `key`. */
  delete(key: string, options?: CallOptions): Promise<void>

  /**
   * The keys of states and values that begin with `prefix`, each once, in no order. What comes or goes meanwhile may be missed, and
   * Redis may still show, for a second, a state that has ended. Each page has the timeout of a call. Where a master of a Cluster cannot be
   * asked it rejects, in the middle perhaps: it never ends as if that master had nothing.
   */
  scan(prefix: string, options?: CallOptions): AsyncIterable<string>

  /**
   * What a name has to begin with to be kept in the same slot of a Cluster as `key`, so that steps on both go in one command: a hash tag,
   * as `{1a2}`. `''` where there are no slots, as in an adapter that does not have the method. What stands before the name must not hold
   * a brace: Redis goes by the first one of a key.
   */
  hashTagOf?(key: string): string

  /** What operations and other processes tell each other. */
  readonly events: AdapterEvents

  /** Ends what the adapter opened by itself; never a client that it was given. */
  close(): Promise<void>
}

export interface CallOptions {
  /** How long the call may take, in milliseconds. Defaults to the adapter's own. */
  readonly timeoutMs?: number
  /** Ends the wait; the call rejects with the signal's reason. The step may have run. Defaults to none. */
  readonly signal?: AbortSignal
}

export interface AdapterEvents {
  /** Tells all who are subscribed to `channel`, in every process that shares this adapter's scope and prefix. */
  publish(channel: string, message: string, options?: CallOptions): Promise<void>

  /**
   * Calls `listener` for every message from now on. Resolves once the subscription stands.
   *
   * @returns A function that ends the subscription
   */
  subscribe(channel: string, listener: EventListener): Promise<() => Promise<void>>
}

/**
 * A message; or a gap: the connection was lost and is back, and what was said meanwhile was missed, or the adapter was closed, and
 * nothing is heard any more.
 */
export type AdapterEvent = { readonly type: 'message'; readonly message: string } | { readonly type: 'gap' }

export type EventListener = (event: AdapterEvent) => void
