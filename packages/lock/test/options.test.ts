import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { memoryAdapter } from '@holdfast/adapter/memory'
import { counting, failing, fakeClock, handClock } from '@holdfast/adapter/testing'
import { createLocks, type LockEvent } from '@holdfast/lock'
import { serialize } from '@holdfast/lock/express'
import { describe, expect, it } from '@jest/globals'

const adapter = memoryAdapter()
const key = (): string => 'k'

describe('bad options', () => {
  it.each([
    [{}, 'adapter is missing: give memoryAdapter() or redisAdapter({ url })'],
    [{ adapter: null }, 'adapter is missing'],
    [{ adapter, leaseMs: 0 }, 'leaseMs must be a whole number from 1 to 3153600000000, got 0'],
    [{ adapter, leaseMs: 1.5 }, 'leaseMs must be a whole number'],
    [{ adapter, leaseMs: '10s' }, 'got "10s"'],
    [{ adapter, leaseMs: Number.POSITIVE_INFINITY }, 'got Infinity'],
    [{ adapter, alarms: 5 }, 'alarms must have now() and at(moment, ring), as handClock() has, got 5'],
    [{ adapter, name: 7 }, 'name must be a string, got 7'],
    [{ adapter, retryCount: 3 }, 'Unknown option "retryCount" of createLocks: there are adapter, name, leaseMs, alarms'],
    [undefined, 'The options of createLocks must be an object, got undefined'],
  ])('of createLocks throw when it is made (%#)', (options, message) => {
    expect(() => Reflect.apply(createLocks, undefined, [options])).toThrow(message)
  })

  it.each([
    [{ adapter }, 'key must be a function of the request, got undefined'],
    [{ adapter, key: 'id' }, 'key must be a function of the request, got "id"'],
    [{ key }, 'adapter is missing'],
    [{ adapter, key, onBusy: 'queue' }, "onBusy must be 'wait' or 'reject', got \"queue\""],
    [{ adapter, key, failure: 'local' }, "failure must be 'closed' or 'open', got \"local\""],
    [{ adapter, key, waitMs: -1 }, 'waitMs must be a number of milliseconds of at least 0, or Infinity, got -1'],
    [{ adapter, key, onBusy: 'reject', waitMs: 5 }, "waitMs is for onBusy: 'wait'"],
    [{ adapter, key, retryAfterMs: 0 }, 'retryAfterMs must be a whole number'],
    [{ adapter, key, skip: true }, 'skip must be a function, got true'],
    [{ adapter, key, leaseMs: -5 }, 'leaseMs must be a whole number'],
    [{ adapter, key, alarms: null }, 'alarms must have now() and at(moment, ring), as handClock() has, got null'],
    [{ adapter, key, timeout: 5 }, 'Unknown option "timeout" of serialize: there are adapter, key,'],
    [undefined, 'The options of serialize must be an object, got undefined'],
  ])('of serialize throw when it is made (%#)', (options, message) => {
    expect(() => Reflect.apply(serialize, undefined, [options])).toThrow(message)
  })

  it.each([
    [undefined, {}, 'The key of a lock must be a string, got undefined'],
    ['k', { leaseMs: 0 }, 'leaseMs must be a whole number'],
    ['k', { waitMs: Number.NaN }, 'waitMs must be a number of milliseconds of at least 0, or Infinity, got NaN'],
    ['k', { signal: 5 }, 'signal must be an AbortSignal, got 5'],
    ['k', { autoExtend: 'no' }, 'autoExtend must be true or false, got "no"'],
    ['k', { retries: 3 }, 'Unknown option "retries" of a lock'],
    ['k', { permits: 2 }, 'Unknown option "permits" of a lock'],
    ['k', 5_000, 'The options of a lock must be an object, got 5000'],
  ])('of a call reject it (%#)', async (name, options, message) => {
    await expect(Reflect.apply(createLocks({ adapter }).acquire, undefined, [name, options])).rejects.toThrow(message)
  })

  it.each([[undefined], [5_000]])('of withLock reject it before anything is locked, where work is %p', async (work) => {
    const counted = counting(memoryAdapter())
    const { withLock } = createLocks({ adapter: counted })
    const refused = Reflect.apply(withLock, undefined, ['k', work, () => 'done'])
    await expect(refused).rejects.toThrow(`work must be a function, got ${work}: the options come after it`)
    expect(counted.calls).toBe(0)
  })

  it('of a call that does not wait reject it where they say how long', async () => {
    const tried = Reflect.apply(createLocks({ adapter }).tryAcquire, undefined, ['k', { waitMs: 5 }])
    await expect(tried).rejects.toThrow('Unknown option "waitMs" of a lock')
  })

  it('of a semaphore throw when it is made', () => {
    const locks = createLocks({ adapter })
    for (const permits of [0, 1.5, Number.NaN, 1_001])
      expect(() => locks.semaphore('k', permits)).toThrow('permits must be a whole number from 1 to 1000')
    locks.semaphore('k', 1_000)
    expect(() => Reflect.apply(locks.semaphore, undefined, [7, 1])).toThrow('The key of a lock must be a string, got 7')
  })
})

it('tells on a diagnostics channel who took, released, lost and did not get a lock', async () => {
  const told: LockEvent[] = []
  function listener(event: unknown): void {
    const each = event as LockEvent // as the channel has them
    if (each.name === about.name) told.push(each) // leases of other suites end meanwhile
  }
  const about = { name: 'invoices', key: 'k' }
  subscribe('holdfast.lock', listener)
  const clock = fakeClock(1_700_000_000_000)
  const alarms = handClock(clock.advance)
  const adapter = failing(memoryAdapter({ now: clock.now }))
  adapter.recover()
  const locks = createLocks({ adapter, name: about.name, leaseMs: 3_000, alarms })
  const { fence, release } = await locks.acquire('k')
  await locks.tryAcquire('k')
  const reason = new Error('the client has gone')
  await locks.acquire('k', { signal: AbortSignal.abort(reason) }).catch(() => {})
  await release()
  const second = await locks.acquire('k', { autoExtend: false })
  await alarms.advance(3_000)
  await second.release()
  const third = await locks.acquire('k')
  adapter.fail()
  await third.release()
  unsubscribe('holdfast.lock', listener)
  expect(told).toEqual([
    { type: 'acquired', ...about, fence, waitedMs: 0 },
    { type: 'refused', ...about, waitedMs: 0 },
    { type: 'refused', ...about, waitedMs: 0, error: reason },
    { type: 'released', ...about, fence, held: true },
    { type: 'acquired', ...about, fence: second.fence, waitedMs: 0 },
    { type: 'lost', ...about, fence: second.fence },
    { type: 'released', ...about, fence: second.fence, held: false },
    { type: 'acquired', ...about, fence: third.fence, waitedMs: 0 },
    {
      type: 'released',
      ...about,
      fence: third.fence,
      held: false,
      error: expect.objectContaining({ name: 'AdapterUnavailableError' }),
    },
  ])
})
