import type { Adapter, Operation, Transition } from '@holdfast/adapter'
import { adapterContract } from '@holdfast/adapter/conformance'
import { memoryAdapter } from '@holdfast/adapter/memory'
import { describe, expect, it } from '@jest/globals'

/** Adapters with a bug, each made of one that has none. */
const bugs: [what: string, change: (right: Adapter) => Partial<Adapter>][] = [
  ['a value ends a millisecond late', (right) => ({ set: (key, value, ttlMs) => right.set(key, value, ttlMs && ttlMs + 1) })],
  ['a value ends a millisecond early', (right) => ({ set: (key, value, ttlMs) => right.set(key, value, ttlMs - 1) })],
  [
    'a value that has ended is left as it was',
    (right) => ({ set: async (...call) => void (call[2] > 0 && (await right.set(...call))) }),
  ],
  ['what is changed after it was set is changed', (right) => ({ get: async (key) => (await right.get(key))?.fill(0) })],
  ['a value comes back as text does', (right) => ({ get: async (key) => reread(await right.get(key)) })],
  [
    'a state is kept a millisecond too long',
    (right) => stepping(right, ({ next }) => next && { next: { ...next, ttlMs: next.ttlMs + 1 } }),
  ],
  ['a step that deletes changes nothing', (right) => stepping(right, ({ next }) => (next === null ? { next: undefined } : {}))],
  ['a step tells nobody', (right) => stepping(right, () => ({ publish: [] }))],
  ['a step tells all in another order', (right) => stepping(right, ({ publish = [] }) => ({ publish: publish.toReversed() }))],
  ['steps of one tick are one step', (right) => ({ run: inOneTick(right) })],
  ['a key is cut off', (right) => ({ set: (key, ...value) => right.set(key.slice(0, 10_000), ...value) })],
  ['what is asked for twice comes once', (right) => ({ getMany: async (keys) => right.getMany([...new Set(keys)]) })],
  ['what is absent is left out', (right) => ({ getMany: async (keys) => (await right.getMany(keys)).filter(Boolean) })],
  ['a state is deleted as a value', (right) => ({ delete: (key) => right.delete(key).catch(() => {}) })],
  ['a scan shows what only contains the prefix', (right) => ({ scan: (prefix) => having(right.scan(''), prefix) })],
  ['a scan ends early', (right) => ({ scan: (prefix) => firstOf(right.scan(prefix), 1_000) })],
  ['a signal is not looked at', (right) => ({ delete: (key) => right.delete(key) })],
  ['what is closed goes on', (right) => ({ getMany: async (keys) => right.getMany(keys).catch(() => []) })],
  ['a close is told to nobody', () => ({ close: async () => {} })],
  [
    'all channels are one',
    ({ events }) => ({
      events: {
        ...events,
        subscribe: (_channel, listener) => events.subscribe('', listener),
        publish: (_channel, message) => events.publish('', message),
      },
    }),
  ],
  [
    'a subscription never ends',
    ({ events }) => ({
      events: {
        ...events,
        subscribe: async (...call) => {
          await events.subscribe(...call)
          return async () => {}
        },
      },
    }),
  ],
]

it('finds nothing wrong with an adapter that has no bug', async () => {
  expect(await foundWith(() => ({}))).toEqual([])
})

describe('adapterContract catches', () => {
  it.each(bugs)('that %s', async (_what, change) => {
    expect(await foundWith(change)).not.toEqual([])
  })
})

/** The cases that fail. */
async function foundWith(change: (right: Adapter) => Partial<Adapter>): Promise<string[]> {
  const found: string[] = []
  const cases = adapterContract((now) => {
    const right = memoryAdapter({ now })
    return { ...right, ...change(right) }
  })
  for (const { name, run } of cases) {
    if (
      await inTime(run()).then(
        () => false,
        () => true,
      )
    )
      found.push(name)
  }
  return found
}

/** A case waits for ever where a message never comes. */
function inTime(running: Promise<void>): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('it waits for ever')), 1_000)
    running.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}

function stepping(
  right: Adapter,
  change: (transition: Transition<unknown, unknown>) => object | null | undefined,
): Partial<Adapter> {
  return {
    run<S, A, R>(operation: Operation<S, A, R>, ...call: [string, A]): Promise<R> {
      const step: typeof operation.step = (...given) => {
        const transition = operation.step(...given)
        return { ...transition, ...change(transition) }
      }
      return right.run({ ...operation, step }, ...call)
    },
  }
}

/** Steps that are asked for while one is on its way get its result. */
function inOneTick(right: Adapter): Adapter['run'] {
  let last: Promise<unknown> | undefined
  return <S, A, R>(...call: Parameters<typeof right.run<S, A, R>>): Promise<R> => {
    const running = last ?? right.run(...call)
    last = running
    setImmediate(() => {
      last = undefined
    })
    return running as Promise<R> // of another step, perhaps: that is the bug
  }
}

function reread(bytes: Uint8Array | undefined): Uint8Array | undefined {
  return bytes === undefined ? undefined : Buffer.from(Buffer.from(bytes).toString())
}

async function* having(keys: AsyncIterable<string>, part: string): AsyncGenerator<string> {
  for await (const key of keys) if (key.includes(part)) yield key
}

async function* firstOf(keys: AsyncIterable<string>, most: number): AsyncGenerator<string> {
  let left = most
  for await (const key of keys) {
    if (left === 0) return
    left -= 1
    yield key
  }
}
