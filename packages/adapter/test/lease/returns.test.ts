import { AdapterTimeoutError, AdapterUnavailableError, mayHaveRun } from '@holdfast/adapter'
import { acquireLease, release } from '@holdfast/adapter/lease'
import { memoryAdapter } from '@holdfast/adapter/memory'
import { handClock } from '@holdfast/adapter/testing'
import { describe, expect, it, jest } from '@jest/globals'
import { createReturns } from '../../src/lease/returns.ts'
import { intercepted } from '../../src/testing/intercepted.ts'

const down = new AdapterUnavailableError('Redis is down')
const open = new AdapterUnavailableError('The circuit is open', { retryAfterMs: 300 })
const silent = new AdapterTimeoutError('late')

it('gives back at once; where Redis is silent, again until it is done, however long that takes', async () => {
  const alarms = handClock()
  const returns = createReturns(alarms)
  let isDown = false
  let fails = 0
  const giveBack = jest.fn(async () => {
    if (isDown) throw fails++ % 2 === 0 ? silent : open
  })
  returns.owe(giveBack, 10_000)
  expect(giveBack).toHaveBeenCalledTimes(1)
  isDown = true
  const late = jest.fn(giveBack)
  returns.owe(late, 10_000)
  await alarms.advance(600_000)
  isDown = false
  const before = late.mock.calls.length
  await alarms.advance(250)
  expect(late).toHaveBeenCalledTimes(before + 1)
})

it('gives back once more when clients have sent what they held back', async () => {
  const alarms = handClock()
  const returns = createReturns(alarms)
  let fails = 1
  const giveBack = jest.fn(async () => {
    if (fails-- > 0) throw down
  })
  returns.owe(giveBack, 10_000)
  await alarms.advance(2_249)
  expect(giveBack).toHaveBeenCalledTimes(2)
  await alarms.advance(251)
  expect(giveBack).toHaveBeenCalledTimes(3)
  await alarms.advance(60_000)
  expect(giveBack).toHaveBeenCalledTimes(3)
})

it('tries again for as long as the lease where Redis refuses', async () => {
  const alarms = handClock()
  const refused = jest.fn(() => Promise.reject(down))
  createReturns(alarms).owe(refused, 1_000)
  await alarms.advance(60_000)
  expect(refused).toHaveBeenCalledTimes(5) // at once, and each quarter of a second
})

it('does not try again once the adapter is closed, nor what is a bug', async () => {
  const alarms = handClock()
  const returns = createReturns(alarms)
  const closed = jest.fn(() => Promise.reject(new AdapterUnavailableError('Closed', { isClosed: true })))
  const bug = jest.fn(() => Promise.reject(new TypeError('a bug')))
  returns.owe(closed, 10_000)
  returns.owe(bug, 10_000)
  await alarms.advance(60_000)
  expect(closed).toHaveBeenCalledTimes(1)
  expect(bug).toHaveBeenCalledTimes(1)
})

// In real time, some two seconds: it is given back once more by the clock of the process.
describe('what a client holds back and sends when its caller has gone', () => {
  /** Holds one call back, the first or a later one, until it is sent. */
  function holdingBack(nth: number) {
    const memory = memoryAdapter()
    let calls = 0
    let send = (): Promise<unknown> => Promise.resolve()
    const adapter = intercepted(memory, async (name, _options, call) => {
      if (name === 'run') calls += 1
      if (name !== 'run' || calls !== nth) return call()
      send = call
      throw new AdapterTimeoutError('held back')
    })
    return { adapter, memory, sendLate: () => send() }
  }

  it('has no lease for long', async () => {
    const { adapter, memory, sendLate } = holdingBack(1)
    await expect(acquireLease(adapter, '{k}', { leaseMs: 3_600_000 })).rejects.toThrow('held back')
    await sendLate()
    expect(await acquireLease(memory, '{k}', { leaseMs: 1_000 })).toBeUndefined()
    expect(await acquireLease(memory, '{k}', { leaseMs: 1_000, waitMs: 10_000 })).toBeDefined()
  })

  it('has none either where it waited before', async () => {
    const { adapter, memory, sendLate } = holdingBack(2)
    const held = await acquireLease(memory, '{k}', { leaseMs: 3_600_000 })
    const alarms = handClock()
    const waiting = acquireLease(adapter, '{k}', { leaseMs: 3_600_000, waitMs: 1_500, alarms })
    await alarms.advance(1_500)
    expect(await waiting).toBeUndefined()
    await memory.run(release, '{k}', { token: held?.token ?? '' })
    await sendLate()
    expect(await acquireLease(memory, '{k}', { leaseMs: 1_000 })).toBeUndefined()
    expect(await acquireLease(memory, '{k}', { leaseMs: 1_000, waitMs: 10_000 })).toBeDefined()
  })
})

it('is for calls that may have run all the same', () => {
  expect([new AdapterTimeoutError('late'), down].map(mayHaveRun)).toEqual([true, true])
  const closed = new AdapterUnavailableError('Closed', { isClosed: true })
  expect([closed, open, new TypeError('a bug'), undefined].map(mayHaveRun)).toEqual([false, false, false, false])
})
