import type { Adapter } from '@holdfast/adapter'
import { memoryAdapter } from '@holdfast/adapter/memory'
import { counting, failing, fakeClock, handClock } from '@holdfast/adapter/testing'
import { createLocks, type Lock, LockLostError } from '@holdfast/lock'
import { eachAdapter } from '@holdfast/test/adapters'
import { describe, expect, it } from '@jest/globals'

const LONG = { leaseMs: 60_000 }

// In real time: who waits is woken by events.
eachAdapter((makeAdapter) => {
  it('lets one work at a time: 100 workers read, sleep and write a counter, and none is lost', async () => {
    const adapter = makeAdapter()
    const locks = createLocks({ adapter, ...LONG })
    let [counter, holders] = [0, 0]
    const fences: number[] = []
    async function work({ fence }: Lock): Promise<void> {
      expect(++holders).toBe(1)
      fences.push(fence)
      const read = counter
      await new Promise((resolve) => setTimeout(resolve, 1)) // the sleep between reading and writing
      counter = read + 1
      holders -= 1
    }
    await Promise.all(Array.from({ length: 100 }, () => locks.withLock('counter', work)))
    expect(counter).toBe(100)
    expect(fences).toEqual([...new Set(fences)].toSorted((a, b) => a - b))
  }, 60_000)

  it('gives greater fences, 1,000 times', async () => {
    const adapter = makeAdapter()
    const locks = createLocks({ adapter, ...LONG })
    let last = 0
    for (let round = 0; round < 1_000; round += 1) {
      const { fence, release } = await locks.acquire('k')
      expect(fence).toBeGreaterThan(last)
      expect(Number.isSafeInteger(fence)).toBe(true)
      last = fence
      expect(await release()).toBe(true)
    }
  }, 60_000)

  it('takes two commands, for a lock and its release', async () => {
    const adapter = counting(makeAdapter())
    const lock = await createLocks({ adapter }).acquire('k')
    expect(adapter.calls).toBe(1)
    expect(await lock.release()).toBe(true)
    expect(await lock.release()).toBe(true)
    expect(adapter.calls).toBe(2)
  })

  it('leaves an old holder nothing: after its lease has ended it can neither extend nor release', async () => {
    const clock = fakeClock(1_700_000_000_000)
    const adapter = makeAdapter(clock.now)
    const locks = createLocks({ adapter, leaseMs: 3_000, alarms: handClock() }) // the holder's own clock stands still
    const old = await locks.acquire('k', { autoExtend: false })
    clock.advance(2_999)
    expect(await locks.tryAcquire('k')).toBeUndefined()
    clock.advance(1)
    const next = await locks.tryAcquire('k')
    expect(next?.fence).toBeGreaterThan(old.fence)
    expect(old.isHeld()).toBe(true) // so it believes
    expect(await old.extend()).toBe(false)
    expect(old.signal.reason).toEqual(new LockLostError('k', old.fence))
    expect(old.isHeld()).toBe(false)
    expect(await old.release()).toBe(false)
    expect(await locks.tryAcquire('k')).toBeUndefined()
    expect(await next?.release()).toBe(true)
  })

  it('never lets tryAcquire overtake who waits', async () => {
    const adapter = makeAdapter()
    const locks = createLocks({ adapter, ...LONG })
    const first = await locks.acquire('k')
    const waiting = locks.acquire('k')
    expect(await locks.tryAcquire('k')).toBeUndefined() // steps of one key keep their order: now it is in line
    const released = first.release()
    const [second, overtaking] = await Promise.all([waiting, released.then(() => locks.tryAcquire('k'))])
    expect(overtaking).toBeUndefined()
    expect(await second.release()).toBe(true)
  })

  it('ends a wait by its time and by its signal, and lets the next one in', async () => {
    const adapter = makeAdapter()
    const locks = createLocks({ adapter, ...LONG })
    const first = await locks.acquire('k')
    const controller = new AbortController()
    const reason = new Error('the client has gone')
    const aborted = locks.acquire('k', { signal: controller.signal })
    const patient = locks.acquire('k')
    const ended = await locks.acquire('k', { waitMs: 50 }).catch((error: unknown) => error)
    expect(ended).toMatchObject({ name: 'LockTimeoutError', code: 'ERR_HOLDFAST_LOCK_TIMEOUT', key: 'k', waitMs: 50 })
    expect(ended).toHaveProperty('retryAfterMs', expect.any(Number))
    controller.abort(reason)
    await expect(aborted).rejects.toBe(reason)
    await expect(locks.acquire('k', { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    await first.release()
    expect((await patient).fence).toBeGreaterThan(first.fence)
  })

  it('has a semaphore let as many in as it has permits, beside a lock of the same key', async () => {
    const adapter = makeAdapter()
    const locks = createLocks({ adapter, ...LONG })
    const lock = await locks.acquire('k')
    const two = locks.semaphore('k', 2)
    const [one, other] = [await two.acquire(), await two.acquire()]
    expect(await two.tryAcquire()).toBeUndefined()
    const third = two.withLock(({ fence }) => fence)
    expect(await one.release()).toBe(true)
    expect(await third).toBeGreaterThan(other.fence)
    let [now, most] = [0, 0]
    await other.release()
    async function work(): Promise<void> {
      now += 1
      most = Math.max(most, now)
      await adapter.get('something')
      now -= 1
    }
    await Promise.all(Array.from({ length: 20 }, () => two.withLock(work)))
    expect(most).toBe(2)
    expect(await lock.release()).toBe(true)
  })

  it('tells apart names, and keys however hostile they are', async () => {
    const adapter = makeAdapter()
    const locks = createLocks({ adapter, ...LONG })
    const keys = ['k', '', '{k}', 'a:b', '../../x', 'k}', 'default:{k}', '\0', '\ud800', 'x'.repeat(10_000), '💥', ' k']
    const held = await Promise.all(keys.map((key) => locks.tryAcquire(key)))
    expect(held.every((lock) => lock !== undefined)).toBe(true)
    expect(await createLocks({ adapter, name: 'other' }).tryAcquire('k')).toBeDefined()
    expect(await createLocks({ adapter }).tryAcquire('k')).toBeUndefined()
    for (const lock of held) expect(await lock?.release()).toBe(true)
  })
})

describe('withLock', () => {
  it('returns what the work returns, and gives the lock back when it throws', async () => {
    const locks = createLocks({ adapter: memoryAdapter() })
    expect(await locks.withLock('k', () => 'done')).toBe('done')
    const bug = new Error('a bug')
    await expect(
      locks.withLock('k', () => {
        throw bug
      }),
    ).rejects.toBe(bug)
    await expect(locks.withLock('k', async () => Promise.reject(bug))).rejects.toBe(bug)
    expect(await locks.tryAcquire('k')).toBeDefined()
  })

  it('says that the lock was lost, if the work does not say what it thinks of it', async () => {
    const alarms = handClock()
    const locks = createLocks({ adapter: memoryAdapter(), leaseMs: 3_000, alarms })
    const lost = { name: 'LockLostError', code: 'ERR_HOLDFAST_LOCK_LOST', key: 'k', fence: expect.any(Number) }
    await expect(locks.withLock('k', () => alarms.skip(3_000))).rejects.toMatchObject(lost)
    const bug = new Error('a bug')
    const failing = locks.withLock('k', () => {
      alarms.skip(3_000)
      throw bug
    })
    await expect(failing).rejects.toBe(bug)
  })
})

// By clocks by hand.
describe('a lease', () => {
  function stage(leaseMs = 3_000) {
    const clock = fakeClock(1_700_000_000_000)
    const alarms = handClock(clock.advance)
    const adapter = failing(counting(memoryAdapter({ now: clock.now })))
    adapter.recover()
    return { adapter, alarms, locks: createLocks({ adapter, leaseMs, alarms }) }
  }

  it('is renewed every third of it, for as long as the work takes', async () => {
    const { alarms, locks } = stage()
    const lock = await locks.acquire('k')
    await alarms.advance(600_000)
    expect(lock.isHeld()).toBe(true)
    expect(await locks.tryAcquire('k')).toBeUndefined()
    expect(await lock.release()).toBe(true)
    expect(lock.signal.aborted).toBe(false)
  })

  it('ends by itself without autoExtend, and by extend() later', async () => {
    const { alarms, locks } = stage()
    const lock = await locks.acquire('k', { autoExtend: false, leaseMs: 2_000 })
    await alarms.advance(1_999)
    expect(await lock.extend()).toBe(true)
    await alarms.advance(1_999)
    expect(await locks.tryAcquire('k')).toBeUndefined()
    expect(lock.signal.aborted).toBe(false)
    await alarms.advance(1)
    expect(lock.signal.reason).toBeInstanceOf(LockLostError)
    expect(await lock.extend()).toBe(false)
    expect(await lock.release()).toBe(false)
  })

  it('survives an outage that is shorter than it, and is lost, said once and thrown nowhere, in a longer one', async () => {
    const { adapter, alarms, locks } = stage()
    const lock = await locks.acquire('k')
    adapter.fail()
    await alarms.advance(2_700)
    adapter.recover()
    await alarms.advance(3_000)
    expect(lock.isHeld()).toBe(true)
    adapter.fail()
    const reasons: unknown[] = []
    lock.signal.addEventListener('abort', () => reasons.push(lock.signal.reason))
    await alarms.advance(10_000)
    expect(reasons).toEqual([new LockLostError('k', lock.fence)])
    expect(await lock.release()).toBe(false)
  })

  it('is lost by the clock of its holder, though Redis still has it: release says so, and gives it back', async () => {
    const alarms = handClock() // that of the adapter stands still, as if a renewal had come whose reply was lost
    const locks = createLocks({ adapter: memoryAdapter({ now: fakeClock().now }), leaseMs: 3_000, alarms })
    const lock = await locks.acquire('k')
    alarms.skip(3_000)
    expect(await lock.release()).toBe(false)
    expect(await locks.tryAcquire('k')).toBeDefined()
  })

  it('counts from when it was asked for, not from when the answer came', async () => {
    const alarms = handClock()
    const memory = memoryAdapter()
    const adapter: Adapter = {
      ...memory,
      async run(operation, key, args, options) {
        const result = await memory.run(operation, key, args, options)
        alarms.skip(1_000) // the way back
        return result
      },
    }
    const lock = await createLocks({ adapter, leaseMs: 3_000, alarms }).acquire('k', { autoExtend: false })
    alarms.skip(1_999)
    expect(lock.isHeld()).toBe(true)
    alarms.skip(1)
    expect(lock.isHeld()).toBe(false)
  })

  it('is given back to nobody while the adapter fails: release says false, and the lease ends by itself', async () => {
    const { adapter, alarms, locks } = stage()
    const lock = await locks.acquire('k')
    adapter.fail()
    expect(await lock.release()).toBe(false)
    await expect(locks.tryAcquire('k')).rejects.toMatchObject({ name: 'AdapterUnavailableError' })
    await expect(locks.acquire('k')).rejects.toMatchObject({ name: 'AdapterUnavailableError' })
    adapter.recover()
    expect(await locks.tryAcquire('k')).toBeUndefined()
    await alarms.advance(3_000)
    expect(await locks.tryAcquire('k')).toBeDefined()
  })

  it('is given back at the end of its scope', async () => {
    const { locks } = stage()
    const lock = await locks.acquire('k')
    await lock[Symbol.asyncDispose]()
    expect(lock.isHeld()).toBe(false)
    expect(await locks.tryAcquire('k')).toBeDefined()
  })
})
