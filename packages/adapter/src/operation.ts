/** What goes to Redis as an argument of a script. */
export type RedisArgument = string | number | Buffer

/** One element of a script's reply: an integer, or the bytes of a string. */
export type RedisReply = number | Buffer

/** One atomic step on the state behind one key. */
export interface Operation<State, Args, Result> {
  /** Unique among operations, `package.verb`: `'lock.acquire'`. */
  readonly name: string

  /**
   * How Redis keeps the state: as a hash with flat fields (`'hash'`, the default), or as one raw string (`'string'`), for bytes
   * that other programs read as well. A raw string and a value are the same thing to Redis: give them keys of their own.
   */
  readonly state?: 'hash' | 'string'

  /**
   * What the step does. Pure: same state, args and time, same transition. It may change `state` in place and return it as
   * `next.state`; it changes nothing else.
   *
   * @param state What the step before it left, or undefined when there is none or it is past its end
   * @param now Milliseconds since the epoch. It can step back.
   * @param ends When the state ends; undefined without one. In Redis, a raw string of another program may have no end either.
   */
  step(state: State | undefined, args: Args, now: number, ends: number | undefined): Transition<State, Result>

  /**
   * The same step, run inside Redis: a function body that returns one flat array of integers and strings.
   *
   * Defined for it: `key`; `KEYS`, with the further keys from 2 on; `ARGV`, what `encode` gave; `now`; and
   * `read(field, ...)`, the fields' values (nil when there is no state), `read_list(fields)`, the same of a table as a table, with the
   * first value at 2 and false for what there is not (nil when there is no state), `ends`, when the state that was read ends (or nil),
   * `write(ttlMs, field, value, ...)`, which replaces the state, `update(ttlMs, field, value, ...)`, which merges into it, `delete()`
   * and `publish(channel, message)`. Field names begin with a letter or a digit.
   *
   * With `state: 'string'` it is `read()` and `write(ttlMs, bytes)`; then, of what was read, `left()`, the milliseconds until it ends
   * (nil without an end), and `expire(ttlMs)`, which moves the end alone. There is no `ends` and no `update`.
   *
   * With `value: true` there are `write_value(ttlMs, bytes)` and `delete_value()` as well.
   *
   * Clients round integers near 2^53: return those as strings, by `string.format('%.0f', n)`.
   */
  readonly lua: string

  /**
   * Lua that is run once, before the steps that go to Redis together: functions and tables for `lua` to use. They see what is defined
   * for `lua`, but for `KEYS` and `ARGV`.
   */
  readonly luaPrelude?: string

  /** The arguments as Redis gets them, in the order of `ARGV`. */
  encode(args: Args): RedisArgument[]

  /** The result, from the array that `lua` returned. */
  decode(reply: RedisReply[]): Result

  /** Whether the step may keep a value beside the state, under `valueKey(key)`, where `get` reads it. Values may be evicted. */
  readonly value?: boolean

  /**
   * How many bytes of a state count towards the memory adapter's `maxBytes`, where it may be large. Defaults to those of a raw string.
   * Such a state is not changed in place: where the next one has no room, it has to stay as it was.
   */
  bytesOf?(state: State): number

  /** Further keys that `lua` uses, where a hash cannot hold the state. They share the hash tag of `key`, and live as long as it. */
  keys?(key: string, args: Args): string[]
}

/** What a step decided, and what becomes of the state. */
export interface Transition<State, Result> {
  readonly result: Result
  /** Replaces the state; `null` deletes it; absent leaves it as it is. A `ttlMs` of 0 or less deletes it as well. */
  readonly next?: { readonly state: State; readonly ttlMs: number } | null
  /** Replaces the value beside the state; `null` deletes it; absent leaves it as it is. For operations that declare `value`. */
  readonly value?: { readonly bytes: Uint8Array; readonly ttlMs: number } | null
  /** Who is told, in the same atomic step. */
  readonly publish?: readonly { readonly channel: string; readonly message: string }[]
}

/**
 * Checks an operation and returns it.
 *
 * @throws {TypeError} when a part of it is missing or of the wrong kind
 */
export function defineOperation<State, Args, Result>(operation: Operation<State, Args, Result>): Operation<State, Args, Result> {
  const { name, state = 'hash', lua, luaPrelude = '' } = operation
  if (typeof name !== 'string' || !/^[\w-]+(\.[\w-]+)*$/.test(name)) {
    throw new TypeError(`Operation name must be words joined by dots, such as 'lock.acquire', got ${JSON.stringify(name)}`)
  }
  for (const part of ['step', 'encode', 'decode'] as const) {
    if (typeof operation[part] !== 'function') throw new TypeError(`Operation ${name}: ${part} must be a function`)
  }
  if (typeof lua !== 'string' || lua.trim() === '') {
    throw new TypeError(`Operation ${name}: lua must be the body of the step in Lua`)
  }
  if (typeof luaPrelude !== 'string') throw new TypeError(`Operation ${name}: luaPrelude must be Lua`)
  if (state !== 'hash' && state !== 'string') {
    throw new TypeError(`Operation ${name}: state must be 'hash' or 'string', got ${JSON.stringify(state)}`)
  }
  if (state === 'string' && (operation.keys !== undefined || operation.value === true)) {
    throw new TypeError(`Operation ${name}: a state that is one string has no further keys, and no value beside it`)
  }
  return operation
}
