import { AdapterTimeoutError, AdapterUnavailableError, mayHaveRun } from '@holdfast/adapter'
import { returnsOf } from '@holdfast/adapter/lease'
import { memoryAdapter } from '@holdfast/adapter/memory'
import { expect, it } from '@jest/globals'

const down = new AdapterUnavailableError('Redis is down')

// In real time, by which a process tries again: some half second each.
it('gives back at once; where that fails, again until it is done', async () => {
  const returns = returnsOf(memoryAdapter())
  for (const failures of [0, 2]) {
    let calls = 0
    await new Promise<void>((resolve) => {
      returns.owe(async () => {
        calls += 1
        if (calls <= failures) throw down
        resolve()
      }, 60_000)
    })
    expect(calls).toBe(failures + 1)
  }
})

it('does not try again after the lease, once the adapter is closed, or what is a bug', async () => {
  const returns = returnsOf(memoryAdapter())
  const calls = { over: 0, closed: 0, bug: 0, other: 0 }
  const fail = (name: keyof typeof calls, error: Error) => () => {
    calls[name] += 1
    return Promise.reject(error)
  }
  returns.owe(fail('over', down), 0)
  returns.owe(fail('closed', new AdapterUnavailableError('Closed', { isClosed: true })), 60_000)
  returns.owe(fail('bug', new TypeError('a bug')), 60_000)
  await new Promise<void>((resolve) => {
    returns.owe(() => (calls.other++ < 2 ? Promise.reject(down) : Promise.resolve(resolve())), 60_000)
  })
  expect(calls).toEqual({ over: 1, closed: 1, bug: 1, other: 3 })
})

it('is for calls that may have run all the same', () => {
  expect([new AdapterTimeoutError('late'), down].map(mayHaveRun)).toEqual([true, true])
  const closed = new AdapterUnavailableError('Closed', { isClosed: true })
  const open = new AdapterUnavailableError('The circuit is open', { retryAfterMs: 300 })
  expect([closed, open, new TypeError('a bug'), undefined].map(mayHaveRun)).toEqual([false, false, false, false])
})
