import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { type Adapter, AdapterUnavailableError } from '@holdfast/adapter'
import { memoryAdapter } from '@holdfast/adapter/memory'
import { counting, failing, fakeClock, handClock } from '@holdfast/adapter/testing'
import { createLocks, type LockEvent, LockLostError } from '@holdfast/lock'
import { eachAdapter } from '@holdfast/test/adapters'
import { describe, expect, it } from '@jest/globals'

const LONG = { leaseMs: 60_000 }

// In real time: who waits is woken by events.
eachAdapter((makeAdapter) => {
  it('moves between accounts, named in any order, and neither loses a move nor waits for ever', async () => {
    const adapter = makeAdapter()
    const locks = createLocks({ adapter, ...LONG })
    const balances = new Map([0, 1, 2, 3].map((account) => [`account:${account}`, 100]))
    async function move(from: string, to: string): Promise<void> {
      const [left, right] = [balances.get(from) ?? 0, balances.get(to) ?? 0]
      await adapter.get('something') // between reading and writing
      balances.set(from, left - 1).set(to, right + 1)
    }
    const moves = Array.from({ length: 60 }, (_, at) => [`account:${at % 4}`, `account:${(at + 1 + (at % 3)) % 4}`] as const)
    await Promise.all(moves.map(([from, to]) => locks.all([from, to]).withLock(() => move(from, to))))
    expect([...balances.values()].reduce((sum, balance) => sum + balance)).toBe(400)
    for (const key of balances.keys()) expect(await (await locks.tryAcquire(key))?.release()).toBe(true)
  })

  it('excludes the lock of each of its keys, and takes none where one is held', async () => {
    const locks = createLocks({ adapter: makeAdapter(), ...LONG })
    const both = locks.all(['b', 'a'])
    const held = await both.acquire()
    expect(await locks.tryAcquire('a')).toBeUndefined()
    expect(await locks.tryAcquire('b')).toBeUndefined()
    expect(await both.tryAcquire()).toBeUndefined()
    expect(await held.release()).toBe(true)
    expect(await held.release()).toBe(true)
    expect(held.isHeld()).toBe(false)
    expect(held.signal.aborted).toBe(false)
    const last = await locks.acquire('b')
    expect(await both.tryAcquire()).toBeUndefined()
    expect(await (await locks.tryAcquire('a'))?.release()).toBe(true)
    expect(await last.release()).toBe(true)
  })

  it('has a fence for each key, greater than that of its holder before', async () => {
    const locks = createLocks({ adapter: makeAdapter(), ...LONG })
    const before = await locks.withLock('b', ({ fence }) => fence)
    const { keys, fences } = await locks.all(['b', 'a', 'b']).acquire()
    expect(keys).toEqual(['a', 'b'])
    expect([...fences.keys()]).toEqual(['a', 'b'])
    expect(fences.get('b')).toBeGreaterThan(before)
  })

  it('takes two commands for each key, also of one that is named twice', async () => {
    const adapter = counting(makeAdapter())
    const locks = createLocks({ adapter, ...LONG })
    const held = await locks.all(['c', 'a', 'b', 'a']).acquire()
    expect(adapter.calls).toBe(3)
    expect(await held.release()).toBe(true)
    expect(adapter.calls).toBe(6)
  })

  it('gives back what it took when its time or its signal ends the wait for a later one', async () => {
    const locks = createLocks({ adapter: makeAdapter(), ...LONG })
    const last = await locks.acquire('c')
    const all = locks.all(['a', 'b', 'c'])
    const timeout = { name: 'LockTimeoutError', key: 'c', waitMs: 50, retryAfterMs: expect.any(Number) }
    await expect(all.acquire({ waitMs: 50 })).rejects.toMatchObject(timeout)
    const leaving = new AbortController()
    const waiting = all.acquire({ signal: leaving.signal })
    const reason = new Error('the client has gone')
    leaving.abort(reason)
    await expect(waiting).rejects.toBe(reason)
    for (const key of ['a', 'b']) expect(await (await locks.tryAcquire(key))?.release()).toBe(true)
    const patient = all.acquire()
    await last.release()
    expect(await (await patient).release()).toBe(true)
  })
})

// By clocks by hand.
describe('several leases', () => {
  function stage() {
    const clock = fakeClock(1_700_000_000_000)
    const alarms = handClock(clock.advance)
    const adapter = failing(counting(memoryAdapter({ now: clock.now })))
    adapter.recover()
    return { adapter, alarms, locks: createLocks({ adapter, leaseMs: 3_000, alarms }) }
  }

  it('have one waitMs for all keys', async () => {
    const { alarms, locks } = stage()
    const [first, last] = [await locks.acquire('a'), await locks.acquire('b')]
    const waiting = locks.all(['a', 'b']).acquire({ waitMs: 1_000 })
    const ended = waiting.catch((error: unknown) => error)
    await alarms.advance(600)
    await first.release()
    await alarms.advance(400)
    expect(await ended).toMatchObject({ name: 'LockTimeoutError', key: 'b', waitMs: 1_000 })
    expect(await locks.tryAcquire('a')).toBeDefined()
    expect(await last.release()).toBe(true)
  })

  it('are renewed for as long as the work takes, and while a later key is waited for, also without autoExtend', async () => {
    const { alarms, locks } = stage()
    const last = await locks.acquire('b')
    const waiting = locks.all(['a', 'b']).acquire({ autoExtend: false })
    await alarms.advance(30_000)
    expect(await locks.tryAcquire('a')).toBeUndefined()
    await last.release()
    const both = await waiting
    expect(both.isHeld()).toBe(true)
    expect(await both.extend()).toBe(true)
    await alarms.advance(2_999)
    expect([both.isHeld(), both.signal.aborted]).toEqual([true, false])
    await alarms.advance(1)
    expect([both.isHeld(), await both.extend(), await both.release()]).toEqual([false, false, false])
    const renewed = await locks.all(['a', 'b']).acquire()
    await alarms.advance(30_000)
    expect(await renewed.release()).toBe(true)
  })

  it.each([['a'], ['b']])('are lost together when that of %s is: the signal says which, and all are given back', async (key) => {
    const clock = fakeClock(1_700_000_000_000)
    const alarms = handClock(clock.advance)
    const memory = memoryAdapter({ now: clock.now })
    let away = ''
    const adapter: Adapter = {
      ...memory,
      async run(operation, subject, args, options) {
        if (subject === away) throw new AdapterUnavailableError('its master is away')
        return memory.run(operation, subject, args, options)
      },
    }
    const locks = createLocks({ adapter, leaseMs: 3_000, alarms })
    const work = locks.all(['a', 'b']).withLock(async (both) => {
      const reasons: unknown[] = []
      both.signal.addEventListener('abort', () => reasons.push(both.signal.reason))
      away = `lock:default:{${key}}`
      await alarms.advance(3_000)
      expect([both.isHeld(), await both.extend()]).toEqual([false, false])
      expect(reasons).toEqual([new LockLostError(key, both.fences.get(key) ?? 0)])
      away = ''
    })
    await expect(work).rejects.toMatchObject({ name: 'LockLostError', key })
    for (const each of ['a', 'b']) expect(await locks.tryAcquire(each)).toBeDefined()
  })

  it('are given back when one was lost while a later one was waited for', async () => {
    const { adapter, alarms, locks } = stage()
    const last = await locks.acquire('b', { leaseMs: 60_000 })
    const waiting = locks.all(['a', 'b']).acquire()
    const ended = waiting.catch((error: unknown) => error)
    await alarms.advance(10)
    adapter.fail()
    await alarms.advance(3_001)
    adapter.recover()
    await last.release()
    await alarms.advance(2_000)
    expect(await ended).toMatchObject({ name: 'LockLostError', key: 'a' })
    expect(await locks.all(['a', 'b']).tryAcquire()).toBeDefined()
  })
})

it.each([
  ['a', 'keys must be a list of keys, got "a"'],
  [undefined, 'keys must be a list of keys, got undefined'],
  [[], 'The number of keys must be a whole number from 1 to 100, got 0'],
  [Array.from({ length: 101 }, (_, at) => `${at}`), 'The number of keys must be a whole number from 1 to 100, got 101'],
  [['a', undefined], 'The key of a lock must be a string, got undefined'],
])('refuses what is no list of keys (%#)', (keys, message) => {
  const { all } = createLocks({ adapter: memoryAdapter() })
  expect(() => Reflect.apply(all, undefined, [keys])).toThrow(message)
})

it('refuses options that there are not, and work that is none, before anything is locked', async () => {
  const adapter = counting(memoryAdapter())
  const all = createLocks({ adapter }).all(['a', 'b'])
  await expect(Reflect.apply(all.acquire, undefined, [{ retries: 3 }])).rejects.toThrow('Unknown option "retries" of a lock')
  await expect(Reflect.apply(all.acquire, undefined, [{ autoExtend: 1 }])).rejects.toThrow('autoExtend must be true or false')
  await expect(Reflect.apply(all.withLock, undefined, [5_000])).rejects.toThrow('work must be a function, got 5000')
  expect(adapter.calls).toBe(0)
})

it('tells of each key who took and released it', async () => {
  const told: string[] = []
  const listener = (event: unknown): void => {
    const { type, name, key } = event as LockEvent // as the channel has them
    if (name === 'told') told.push(`${type} ${key}`)
  }
  subscribe('holdfast.lock', listener)
  const locks = createLocks({ adapter: memoryAdapter(), name: 'told' })
  const held = await locks.acquire('b')
  await locks.all(['b', 'a']).tryAcquire()
  await held.release()
  unsubscribe('holdfast.lock', listener)
  expect(told).toEqual(['acquired b', 'acquired a', 'refused b', 'released a', 'released b'])
})
