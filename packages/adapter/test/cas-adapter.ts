import {
  type Adapter,
  AdapterUnavailableError,
  AdapterWrongTypeError,
  type CallOptions,
  type Operation,
  OperationError,
  valueKey,
} from '@holdfast/adapter'
import { memoryAdapter } from '@holdfast/adapter/memory'

interface Cell {
  readonly kind: 'hash' | 'string' | 'value'
  readonly state: unknown
  readonly endsAt: number
}

/** An adapter on a map that can do nothing but compare and set: what an adapter needs is `step`, and never Lua. */
export function casAdapter(now: () => number): Adapter {
  const cells = new Map<string, Cell>()
  const memory = memoryAdapter()
  const { events } = memory
  let closed = false

  function check(options?: CallOptions): void {
    if (closed) throw new AdapterUnavailableError('closed')
    options?.signal?.throwIfAborted()
  }

  async function read(key: string, options?: CallOptions): Promise<Cell | undefined> {
    check(options)
    return cells.get(key)
  }

  function compareAndSet(key: string, before: Cell | undefined, after: Cell | undefined): boolean {
    if (cells.get(key) !== before) return false
    if (after === undefined || after.endsAt <= now()) cells.delete(key)
    else cells.set(key, after)
    return true
  }

  function live(key: string, cell: Cell | undefined, kind: Cell['kind']): Cell | undefined {
    if (cell === undefined || cell.endsAt <= now()) return undefined
    if (cell.kind !== kind) throw new AdapterWrongTypeError(key)
    return cell
  }

  async function run<S, A, R>(operation: Operation<S, A, R>, key: string, args: A, options?: CallOptions): Promise<R> {
    const { state: kind = 'hash' } = operation
    if (operation.keys?.(key, args).some((further) => tagOf(further) !== tagOf(key))) throw new OperationError('two slots')
    for (;;) {
      const cell = await read(key, options)
      const found = live(key, cell, kind)
      const state = structuredClone(found?.state) as S | undefined
      const { result, next, value, publish = [] } = operation.step(state, args, now(), found?.endsAt)
      const after = next ? { kind, state: next.state, endsAt: now() + next.ttlMs } : undefined
      if (next !== undefined && !compareAndSet(key, cell, after)) continue
      const beside = value ? { kind: 'value' as const, state: Buffer.from(value.bytes), endsAt: now() + value.ttlMs } : undefined
      if (value !== undefined) await write(valueKey(key), beside)
      for (const { channel, message } of publish) await events.publish(channel, message)
      return result
    }
  }

  async function write(key: string, after: Cell | undefined, options?: CallOptions): Promise<void> {
    for (;;) {
      const cell = await read(key, options)
      live(key, cell, 'value')
      if (compareAndSet(key, cell, after)) return
    }
  }

  async function get(key: string, options?: CallOptions): Promise<Uint8Array | undefined> {
    const state = live(key, await read(key, options), 'value')?.state
    return state instanceof Uint8Array ? Buffer.from(state) : undefined
  }

  return {
    scope: 'process',
    now,
    run,
    get,
    async getMany(keys, options) {
      check(options)
      return Promise.all(keys.map((key) => get(key).catch(() => undefined)))
    },
    async set(key, value, ttlMs, options) {
      if (!Number.isSafeInteger(ttlMs)) throw new RangeError('ttlMs must be whole')
      await write(key, { kind: 'value', state: Buffer.from(value), endsAt: now() + ttlMs }, options)
    },
    delete: (key, options) => write(key, undefined, options),
    async *scan(prefix, options) {
      check(options)
      for (const [key, { endsAt }] of [...cells]) if (endsAt > now() && key.startsWith(prefix)) yield key
    },
    events,
    async close() {
      closed = true
      await memory.close()
    },
  }
}

function tagOf(key: string): string {
  return /\{([^}]+)\}/.exec(key)?.[1] ?? key
}
