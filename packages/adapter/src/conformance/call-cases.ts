import assert from 'node:assert/strict'
import type { Adapter, CallOptions } from '../adapter.ts'
import { type ContractCase, hasCode, type MakeAdapter } from './contract.ts'
import { count } from './counter.ts'
import { caseOf } from './stage.ts'

/** What holds for every call of an adapter, whatever it asks. */
export function callCases(makeAdapter: MakeAdapter): ContractCase[] {
  return [
    caseOf(makeAdapter, 'a signal ends every call with its reason', async ({ adapter, own }) => {
      const reason = new Error('the client has gone')
      for (const call of callsOf(adapter, own('key'))) {
        await assert.rejects(call({ signal: AbortSignal.abort(reason) }), (error: unknown) => error === reason)
      }
    }),
    caseOf(makeAdapter, 'a closed adapter refuses every call with a typed error', async ({ adapter, own }) => {
      await adapter.close()
      await adapter.close()
      const subscribe = () => adapter.events.subscribe(own('channel'), () => {})
      for (const call of [...callsOf(adapter, own('key')), subscribe]) {
        await assert.rejects(call({}), hasCode('ERR_HOLDFAST_ADAPTER_UNAVAILABLE'))
      }
    }),
    caseOf(makeAdapter, 'a listener is told once of the gap when the adapter is closed', async ({ adapter, own }) => {
      const heard: string[] = []
      const end = await adapter.events.subscribe(own('left'), () => void heard.push('left'))
      await adapter.events.subscribe(own('channel'), ({ type }) => void heard.push(type))
      await end()
      await adapter.close()
      await adapter.close()
      assert.deepEqual(heard, ['gap'])
    }),
  ]
}

type Call = (options: CallOptions) => Promise<unknown>

function callsOf(adapter: Adapter, key: string): readonly Call[] {
  return [
    (options) => adapter.run(count, key, { by: 1, ttlMs: 1 }, options),
    (options) => adapter.get(key, options),
    (options) => adapter.getMany([key], options),
    (options) => adapter.set(key, new Uint8Array(1), 1, options),
    (options) => adapter.delete(key, options),
    (options) => adapter.scan(key, options)[Symbol.asyncIterator]().next(),
    (options) => adapter.events.publish(key, 'message', options),
  ]
}
