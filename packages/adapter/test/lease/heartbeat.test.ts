import { AdapterUnavailableError } from '@holdfast/adapter'
import { type Alarms, startHeartbeat } from '@holdfast/adapter/lease'
import { expect, it, jest } from '@jest/globals'

/** A monotonic clock by hand. */
function handClock(): Alarms & { advance(ms: number): Promise<void>; skip(ms: number): void } {
  let time = 1_000
  const alarms = new Set<{ at: number; ring: () => void }>()
  return {
    now: () => time,
    at(moment, ring) {
      const alarm = { at: moment, ring }
      alarms.add(alarm)
      return () => void alarms.delete(alarm)
    },
    /** Lets time pass, and everything that is due happen. */
    async advance(ms) {
      time += ms
      for (const alarm of [...alarms].filter(({ at }) => at <= time)) {
        alarms.delete(alarm)
        alarm.ring()
      }
      await new Promise(setImmediate)
    },
    /** Time passes while the process stands still: nothing rings. */
    skip(ms) {
      time += ms
    },
  }
}

const lost = (): Error => new Error('lost')

it('renews at every third of the lease, and holds it as long', async () => {
  const alarms = handClock()
  const renew = jest.fn(async () => true)
  const heartbeat = startHeartbeat({ leaseMs: 3_000, renew, lost, alarms })
  for (let beat = 1; beat <= 10; beat += 1) {
    await alarms.advance(1_000)
    expect(renew).toHaveBeenCalledTimes(beat)
    expect(heartbeat.isHeld()).toBe(true)
  }
  heartbeat.stop()
  await alarms.advance(10_000)
  expect(renew).toHaveBeenCalledTimes(10)
  expect(heartbeat.signal.aborted).toBe(false)
})

it('is lost when a renewal says so, once', async () => {
  const alarms = handClock()
  const heartbeat = startHeartbeat({ leaseMs: 3_000, renew: async () => false, lost, alarms })
  await alarms.advance(1_000)
  expect(heartbeat.signal.reason).toEqual(lost())
  expect(heartbeat.isHeld()).toBe(false)
})

it('tries again while the adapter fails, and is lost when the lease ends, counted from when the last renewal was sent', async () => {
  const alarms = handClock()
  const renew = jest.fn(async (): Promise<boolean> => {
    throw new AdapterUnavailableError('down')
  })
  const heartbeat = startHeartbeat({ leaseMs: 3_000, renew, lost, alarms })
  for (let step = 0; step < 29; step += 1) await alarms.advance(100)
  expect(renew.mock.calls.length).toBeGreaterThan(3)
  expect(heartbeat.isHeld()).toBe(true)
  await alarms.advance(100)
  expect(heartbeat.signal.reason).toEqual(lost())
})

it('holds on when the adapter is back in time', async () => {
  const alarms = handClock()
  const renew = jest.fn(async () => true).mockRejectedValueOnce(new AdapterUnavailableError('down'))
  const heartbeat = startHeartbeat({ leaseMs: 3_000, renew, lost, alarms })
  for (let step = 0; step < 60; step += 1) await alarms.advance(100)
  expect(heartbeat.isHeld()).toBe(true)
  heartbeat.stop()
})

it('does not believe in its lease after the process was stopped, before any timer has run', () => {
  const alarms = handClock()
  const heartbeat = startHeartbeat({ leaseMs: 3_000, renew: async () => true, lost, alarms })
  alarms.skip(3_000)
  expect(heartbeat.signal.aborted).toBe(true)
})

it('shows a bug in renew', async () => {
  const alarms = handClock()
  const bug = new TypeError('a bug')
  const heartbeat = startHeartbeat({ leaseMs: 3_000, renew: () => Promise.reject(bug), lost, alarms })
  await alarms.advance(1_000)
  expect(heartbeat.signal.reason).toBe(bug)
})

it('beats in real time, by one timer that keeps no process alive (some 100 ms)', async () => {
  const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
  const before = timers()
  let beats = 0
  const beaten = new Promise<void>((resolve) => {
    const beat = async (): Promise<boolean> => {
      beats += 1
      if (beats === 150) resolve()
      return true
    }
    for (let lease = 0; lease < 50; lease += 1) startHeartbeat({ leaseMs: 90, renew: beat, lost })
  })
  expect(timers()).toBe(before)
  await beaten
})

it('refuses a lease that is no duration', () => {
  expect(() => startHeartbeat({ leaseMs: 0, lost })).toThrow('leaseMs must be a whole number of at least 1, got 0')
})
