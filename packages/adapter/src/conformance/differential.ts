import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { inspect, isDeepStrictEqual } from 'node:util'
import type { Adapter } from '../adapter.ts'
import { valueKey } from '../keys.ts'
import { memoryAdapter } from '../memory.ts'
import type { Operation, Transition } from '../operation.ts'
import type { FakeClock } from '../testing/fake-clock.ts'
import type { MakeAdapter, OperationCall } from './contract.ts'
import { settled } from './event-cases.ts'
import { distance, type Moments, type Move, numbersIn } from './moves.ts'
import { START } from './stage.ts'

/** Runs every step twice, on memory and on another adapter, and compares what comes of it. */
export interface Differential {
  begin(): Promise<void>
  step(move: Move, key: string, call: OperationCall): Promise<void>
  end(): Promise<void>
  close(): Promise<void>
}

export async function createDifferential(clock: FakeClock, makeAdapter: MakeAdapter): Promise<Differential> {
  const memory = memoryAdapter({ now: clock.now })
  const adapter = await makeAdapter(clock.now)
  assert.equal(adapter.now(), clock.now(), 'makeAdapter(now) must make an adapter that goes by `now`')
  const heard = new Map<string, string[]>()
  let expected = new Map<string, string[]>()
  let moments: Moments = { ends: [], turns: [] }
  let sequence = ''

  function subject(key: string): string {
    return `contract:{${sequence}}:${key}`
  }

  /** The operation, with a record of the ends that it sets and the messages that it publishes. */
  function recorded({ operation }: OperationCall): { operation: Operation<unknown, unknown, unknown>; channels: string[] } {
    const channels: string[] = []
    function step(state: unknown, args: unknown, now: number, ends: number | undefined): Transition<unknown, unknown> {
      const transition = operation.step(state, args, now, ends)
      if (transition.value) moments.ends.push(now + transition.value.ttlMs)
      if (transition.next) moments.ends.push(now + transition.next.ttlMs)
      moments.turns.push(...numbersIn(operation.lua + shown(args) + shown(transition.result)).map((ms) => now + ms))
      for (const { channel, message } of transition.publish ?? []) {
        channels.push(channel)
        expected.set(channel, [...(expected.get(channel) ?? []), message])
      }
      return transition
    }
    return { operation: { ...operation, step }, channels }
  }

  async function listen(channel: string): Promise<void> {
    if (heard.has(channel)) return
    const messages: string[] = []
    heard.set(channel, messages)
    await adapter.events.subscribe(channel, (event) => {
      if (event.type === 'message') messages.push(event.message)
    })
  }

  return {
    async begin() {
      clock.set(START)
      moments = { ends: [], turns: [] }
      sequence = randomUUID()
      expected = new Map()
      for (const messages of heard.values()) messages.length = 0
    },
    async step(move, key, call) {
      clock.advance(distance(move, clock.now(), moments))
      const { operation, channels } = recorded(call)
      const wanted = await outcome(memory, operation, subject(key), call.args)
      for (const channel of channels) await listen(channel)
      const got = await outcome(adapter, call.operation, subject(key), call.args)
      if (operation.value === true) {
        const kept = await Promise.all([memory, adapter].map((each) => each.get(valueKey(subject(key)))))
        assert.deepEqual(kept[1], kept[0], `the value beside key ${key} after ${operation.name}(${shown(call.args)})`)
      }
      if (isDeepStrictEqual(got, wanted) || (got.error !== undefined && wanted.error !== undefined)) return
      throw new Error(
        `${operation.name}(${shown(call.args)}) at ${clock.now() - START} ms on key ${key}: its step gives ${shown(wanted)}, the adapter ${shown(got)}`,
        { cause: got.error },
      )
    },
    async end() {
      for (const [channel, messages] of heard) {
        await settled(adapter, channel, subject('a'))
        const own = messages.filter((message) => !message.startsWith('settled '))
        assert.deepEqual(own, expected.get(channel) ?? [], `messages on channel ${channel}`)
      }
    },
    async close() {
      await adapter.close()
      await memory.close()
    },
  }
}

type Outcome = { readonly result: unknown; readonly error?: never } | { readonly result?: never; readonly error: unknown }

function shown(value: unknown): string {
  return inspect(value, { depth: 6, breakLength: Number.POSITIVE_INFINITY, compact: true })
}

async function outcome(
  adapter: Adapter,
  operation: Operation<unknown, unknown, unknown>,
  key: string,
  args: unknown,
): Promise<Outcome> {
  try {
    return { result: await adapter.run(operation, key, args) }
  } catch (error) {
    return { error }
  }
}
