import type { Adapter, CallOptions } from '../adapter.ts'

/** The calls of an adapter that ask for an answer. */
export type CallName = 'run' | 'get' | 'getMany' | 'set' | 'delete' | 'publish' | 'subscribe' | 'scan'

/** The same adapter, with `around` in the way of every call. */
export function intercepted(
  adapter: Adapter,
  around: <T>(name: CallName, options: CallOptions | undefined, call: () => Promise<T>) => Promise<T>,
): Adapter {
  const { events } = adapter

  async function* scanned(prefix: string, options?: CallOptions): AsyncGenerator<string> {
    yield* await around('scan', options, async () => adapter.scan(prefix, options))
  }

  return {
    scope: adapter.scope,
    now: adapter.now,
    run: (operation, key, args, options) => around('run', options, () => adapter.run(operation, key, args, options)),
    get: (key, options) => around('get', options, () => adapter.get(key, options)),
    getMany: (keys, options) => around('getMany', options, () => adapter.getMany(keys, options)),
    set: (key, value, ttlMs, options) => around('set', options, () => adapter.set(key, value, ttlMs, options)),
    delete: (key, options) => around('delete', options, () => adapter.delete(key, options)),
    hashTagOf: (key) => adapter.hashTagOf?.(key) ?? '',
    scan: (prefix, options) => scanned(prefix, options),
    events: {
      publish: (channel, message, options) => around('publish', options, () => events.publish(channel, message, options)),
      subscribe: (channel, listener) => around('subscribe', undefined, () => events.subscribe(channel, listener)),
    },
    close: () => adapter.close(),
  }
}
