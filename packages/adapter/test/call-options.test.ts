import type { CallOptions } from '@holdfast/adapter'
import { eachAdapter } from '@holdfast/test/adapters'
import { expect, it } from '@jest/globals'
import { acquire } from './sample-operations.ts'

eachAdapter((makeAdapter) => {
  it.each([
    [{ timeoutMs: -1 }, RangeError, 'timeoutMs must be a whole number from 1 to 2147483647, got -1'],
    [{ timeoutMs: '1s' }, RangeError, 'timeoutMs must be a whole number from 1 to 2147483647, got "1s"'],
    [{ timeout: 50 }, TypeError, 'Unknown option "timeout" of a call: there are timeoutMs, signal'],
    [50, TypeError, 'The options of a call must be an object, got 50'],
    [{ signal: 5 }, TypeError, 'signal must be an AbortSignal, got 5'],
    [{ signal: null }, TypeError, 'signal must be an AbortSignal, got null'],
  ])('refuses options of a call that are unknown or out of range: %p', async (options, type, message) => {
    const adapter = makeAdapter()
    const { run, get, getMany, set, delete: remove, events } = adapter
    async function scan(options: CallOptions): Promise<void> {
      for await (const found of adapter.scan('', options)) expect(found).toBe('')
    }
    const calls: [call: (...args: never[]) => unknown, ...args: unknown[]][] = [
      [run, acquire, '{k}', { owner: 'ann', leaseMs: 1_000 }],
      [get, 'k'],
      [getMany, ['k']],
      [set, 'k', Buffer.from('v'), 1_000],
      [remove, 'k'],
      [scan],
      [events.publish, 'channel', 'message'],
    ]
    for (const [call, ...args] of calls) {
      const refused = Promise.resolve().then(() => Reflect.apply(call, undefined, [...args, options]))
      await expect(refused).rejects.toEqual(new type(message))
    }
  })
})
