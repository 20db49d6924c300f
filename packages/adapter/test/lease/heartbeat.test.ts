import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline/promises'
import { scheduler } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { AdapterUnavailableError } from '@holdfast/adapter'
import { type Heartbeat, startHeartbeat } from '@holdfast/adapter/lease'
import { handClock } from '@holdfast/adapter/testing'
import { expect, it, jest } from '@jest/globals'

const STOPPED = fileURLToPath(new URL('./stopped-process.ts', import.meta.url))
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

it('sends another renewal while one hangs, and counts from when the one that succeeded was sent', async () => {
  const alarms = handClock()
  const answers: ((renewed: boolean) => void)[] = []
  const renew = (): Promise<boolean> => new Promise((resolve) => answers.push(resolve))
  const heartbeat = startHeartbeat({ leaseMs: 3_000, renew, lost, alarms })
  await alarms.advance(2_900)
  expect(answers).toHaveLength(2)
  answers[0]?.(true) // it was sent at 1,000
  await alarms.advance(0)
  answers.splice(0)
  await alarms.advance(1_099)
  expect(heartbeat.isHeld()).toBe(true)
  await alarms.advance(1)
  expect(heartbeat.signal.aborted).toBe(true)
})

it('does not believe in a renewal whose answer comes after the end that it set', async () => {
  const alarms = handClock()
  let answer = (_renewed: boolean): void => {}
  const renew = (): Promise<boolean> =>
    new Promise((resolve) => {
      answer = resolve
    })
  const heartbeat = startHeartbeat({ leaseMs: 3_000, renew, lost, alarms })
  await alarms.advance(1_000)
  const aborted = jest.fn()
  heartbeat.signal.addEventListener('abort', aborted)
  alarms.skip(3_000)
  answer(true)
  await new Promise(setImmediate)
  expect(aborted).toHaveBeenCalledTimes(1)
})

it('ends without renewals when there are none', async () => {
  const alarms = handClock()
  const heartbeat = startHeartbeat({ leaseMs: 3_000, since: alarms.now() - 1_000, lost, alarms })
  await alarms.advance(1_999)
  expect(heartbeat.isHeld()).toBe(true)
  await alarms.advance(1)
  expect(heartbeat.isHeld()).toBe(false)
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
  const heartbeats: Heartbeat[] = []
  const beaten = new Promise<void>((resolve) => {
    const beat = async (): Promise<boolean> => {
      beats += 1
      if (beats === 150) resolve()
      return true
    }
    for (let lease = 0; lease < 50; lease += 1) heartbeats.push(startHeartbeat({ leaseMs: 90, renew: beat, lost }))
  })
  expect(timers()).toBe(before)
  await beaten
  for (const heartbeat of heartbeats) heartbeat.stop()
})

it('is known to be over by the first thing that runs after a SIGSTOP (in real time: a process of its own, for a second or two)', async () => {
  const child = spawn(process.execPath, ['--conditions=@holdfast/source', '--import', 'tsx', STOPPED], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  try {
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
    expect(await lines.next()).toMatchObject({ value: 'held' })
    child.kill('SIGSTOP')
    child.stdin.write('what comes first when it runs again')
    await scheduler.wait(400)
    child.kill('SIGCONT')
    expect(await lines.next()).toMatchObject({ value: 'lost' })
  } finally {
    child.kill('SIGKILL')
  }
})

it('refuses a lease that is no duration', () => {
  expect(() => startHeartbeat({ leaseMs: 0, lost })).toThrow('leaseMs must be a whole number of at least 1, got 0')
})

it('is renewed by hand alone where it does not beat, and counts from when that was sent', async () => {
  const alarms = handClock()
  const renew = jest.fn(async () => true)
  const heartbeat = startHeartbeat({ leaseMs: 3_000, renew, beats: false, lost, alarms })
  await alarms.advance(2_999)
  expect(renew).not.toHaveBeenCalled()
  expect(await heartbeat.renew()).toBe(true)
  await alarms.advance(2_999)
  expect(heartbeat.isHeld()).toBe(true)
  await alarms.advance(1)
  expect(heartbeat.signal.reason).toEqual(lost())
  expect(await heartbeat.renew()).toBe(false)
  expect(renew).toHaveBeenCalledTimes(1)
})

it('tells who renews by hand that the adapter fails, and goes on to the end of the lease', async () => {
  const alarms = handClock()
  const down = new AdapterUnavailableError('down')
  const renew = jest.fn(async () => true).mockRejectedValueOnce(down)
  const heartbeat = startHeartbeat({ leaseMs: 3_000, renew, beats: false, lost, alarms })
  await expect(heartbeat.renew()).rejects.toBe(down)
  expect(heartbeat.isHeld()).toBe(true)
  await alarms.advance(3_000)
  expect(heartbeat.isHeld()).toBe(false)
})

it('is lost at once when a renewal by hand finds it gone', async () => {
  const alarms = handClock()
  const heartbeat = startHeartbeat({ leaseMs: 3_000, renew: async () => false, beats: false, lost, alarms })
  expect(await heartbeat.renew()).toBe(false)
  expect(heartbeat.signal.reason).toEqual(lost())
})

it('rests: it lasts to the end of the last renewal, and is lost then', async () => {
  const alarms = handClock()
  const renew = jest.fn(async () => true)
  const heartbeat = startHeartbeat({ leaseMs: 3_000, renew, lost, alarms })
  await alarms.advance(1_000)
  heartbeat.rest()
  await alarms.advance(2_999)
  expect(heartbeat.isHeld()).toBe(true)
  await alarms.advance(1)
  expect(heartbeat.signal.reason).toEqual(lost())
  expect(renew).toHaveBeenCalledTimes(1)
})

it('is lost where it is told so, once, also after it was stopped', () => {
  const alarms = handClock()
  for (const stops of [true, false]) {
    const heartbeat = startHeartbeat({ leaseMs: 3_000, renew: async () => true, lost, alarms })
    if (stops) heartbeat.stop()
    const { signal } = heartbeat
    expect(signal.aborted).toBe(false)
    heartbeat.lose()
    const { reason } = signal
    expect(reason).toEqual(lost())
    heartbeat.lose()
    expect([heartbeat.isHeld(), heartbeat.signal.reason]).toEqual([false, reason])
  }
})
