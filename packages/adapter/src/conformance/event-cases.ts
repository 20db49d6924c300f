import assert from 'node:assert/strict'
import type { Adapter, AdapterEvent } from '../adapter.ts'
import { publishMessage } from '../publish-message.ts'
import type { ContractCase, MakeAdapter } from './contract.ts'
import { count, drop, tell } from './counter.ts'
import { caseOf } from './stage.ts'

export function eventCases(makeAdapter: MakeAdapter): ContractCase[] {
  return [
    caseOf(makeAdapter, 'subscribers hear messages in order, each on its own channel', async ({ adapter, own, onEnd }) => {
      const { events } = adapter
      const heard: string[] = []
      for (const channel of ['a', 'b']) {
        onEnd(
          await events.subscribe(own(channel), (event) => {
            if (event.type === 'message') heard.push(`${channel} ${event.message}`)
          }),
        )
      }
      for (const message of ['1', '', 'две', '4\n']) await events.publish(own('a'), message)
      await settled(adapter, own('a'))
      assert.deepEqual(heard.slice(0, 4), ['a 1', 'a ', 'a две', 'a 4\n'])
    }),
    caseOf(makeAdapter, 'a step tells those who are subscribed', async ({ adapter, own, onEnd }) => {
      const heard: string[] = []
      onEnd(
        await adapter.events.subscribe(own('channel'), (event) => {
          if (event.type === 'message') heard.push(event.message)
        }),
      )
      await adapter.run(count, own('state'), { by: 1, ttlMs: 60_000 })
      await adapter.run(drop, own('state'), { channel: own('channel'), message: 'gone' })
      await settled(adapter, own('channel'), own('state'))
      assert.equal(heard[0], 'gone')
    }),
    caseOf(makeAdapter, 'a step tells all that it has to tell, in order', async ({ adapter, own, onEnd }) => {
      const messages = ['1', '', ' 2\n', '\0', '1', 'две']
      const heard: string[] = []
      onEnd(
        await adapter.events.subscribe(own('channel'), (event) => {
          if (event.type === 'message') heard.push(event.message)
        }),
      )
      await adapter.run(tell, own('state'), { channel: own('channel'), messages })
      await settled(adapter, own('channel'), own('state'))
      assert.deepEqual(heard.slice(0, messages.length), messages)
    }),
    caseOf(makeAdapter, 'a listener that ended its subscription hears no more', async ({ adapter, own }) => {
      const heard: string[] = []
      const end = await adapter.events.subscribe(own('a'), () => void heard.push('heard'))
      await end()
      await adapter.events.publish(own('a'), 'late')
      await settled(adapter, own('a'))
      assert.deepEqual(heard, [])
    }),
    caseOf(makeAdapter, 'the end of a subscription is the end of no other to its channel', async ({ adapter, own, onEnd }) => {
      const heard: string[] = []
      const listener = (event: AdapterEvent): void => {
        if (event.type === 'message') heard.push(event.message)
      }
      const end = await adapter.events.subscribe(own('a'), listener)
      onEnd(await adapter.events.subscribe(own('a'), listener))
      await end()
      await end()
      await adapter.events.publish(own('a'), '1')
      await settled(adapter, own('a'))
      assert.deepEqual(
        heard.slice(0, 2).map((message) => message === '1'),
        [true, false],
      )
    }),
    caseOf(makeAdapter, 'who subscribes while the last one leaves hears what is said', async ({ adapter, own, onEnd }) => {
      const heard: string[] = []
      const end = await adapter.events.subscribe(own('a'), () => {})
      const left = end()
      onEnd(
        await adapter.events.subscribe(own('a'), (event) => {
          if (event.type === 'message') heard.push(event.message)
        }),
      )
      await left
      await adapter.events.publish(own('a'), '1')
      await settled(adapter, own('a'))
      assert.equal(heard[0], '1')
    }),
    caseOf(makeAdapter, 'a listener that throws harms no other', async ({ adapter, own, onEnd }) => {
      const heard: string[] = []
      const listeners = [
        () => {
          throw new Error('thrown by a listener, on purpose')
        },
        (event: AdapterEvent) => void heard.push(event.type),
      ]
      for (const listener of listeners) onEnd(await adapter.events.subscribe(own('a'), listener))
      await adapter.events.publish(own('a'), '1')
      await settled(adapter, own('a'))
      assert.equal(heard[0], 'message')
    }),
  ]
}

/**
 * Resolves once everything has been delivered that was published on `channel` before, by steps on `key` or by `publish`.
 *
 * The masters of a Cluster pass messages on side by side: only those that come by the same one keep their order.
 */
export async function settled(adapter: Adapter, channel: string, key?: string): Promise<void> {
  const message = `settled ${Math.random()}`
  let end = async (): Promise<void> => {}
  await new Promise<void>((resolve, reject) => {
    adapter.events
      .subscribe(channel, (event) => {
        if (event.type === 'message' && event.message === message) resolve()
      })
      .then((endOfThis) => {
        end = endOfThis
        return key === undefined
          ? adapter.events.publish(channel, message)
          : adapter.run(publishMessage, key, { channel, message })
      })
      .catch(reject)
  })
  await end()
}
