import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { defineOperation, type Operation } from '@holdfast/adapter'
import { type FailingAdapter, type FakeClock, failing, fakeClock, type HandClock, handClock } from '@holdfast/adapter/testing'
import type { MakeAdapter } from '@holdfast/test/adapters'
import { createRuns, type Run, type Runs, type RunsOptions } from '../src/runs.ts'

/** A promise that a test resolves when it sees what it waits for. */
export interface Deferred<T> {
  readonly promise: Promise<T>
  resolve(value: T): void
}

export function deferred<T = void>(): Deferred<T> {
  let resolve: (value: T) => void = () => {}
  const promise = new Promise<T>((settle) => {
    resolve = settle
  })
  return { promise, resolve: (value) => resolve(value) }
}

/** Waits for what cannot be awaited. */
export async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise(setImmediate)
}

/** What is published on a diagnostics channel while `run` runs. */
export async function published(channel: string, run: () => Promise<unknown>): Promise<unknown[]> {
  const events: unknown[] = []
  const listen = (event: unknown): void => void events.push(event)
  subscribe(channel, listen)
  try {
    await run()
  } finally {
    unsubscribe(channel, listen)
  }
  return events
}

const STEP_MS = 250

interface Stage {
  readonly clock: FakeClock
  readonly alarms: HandClock
  /** What the runs go to: it can be made to fail. */
  readonly adapter: FailingAdapter
  readonly runs: Runs
  /** Lets time pass on both clocks, a little at a time, and what is sent meanwhile arrive. */
  pass(ms: number): Promise<void>
}

/** Runs under clocks by hand, which go together. */
export function stage(makeAdapter: MakeAdapter, options: Partial<RunsOptions> = {}): Stage {
  const clock = fakeClock(1_750_000_000_000)
  const alarms = handClock(clock.advance)
  const real = makeAdapter(clock.now)
  const adapter = failing(real)
  adapter.recover()
  const runs = createRuns({
    adapter,
    name: 'test',
    leaseMs: 3_000,
    retentionMs: 60_000,
    waitMs: 0,
    abandonedMs: 10_000,
    alarms,
    ...options,
  })
  return {
    clock,
    alarms,
    adapter,
    runs,
    async pass(ms) {
      for (let left = ms; left > 0; left -= STEP_MS) {
        await alarms.advance(Math.min(STEP_MS, left))
        await real.get('{key}:nothing') // on the same connection: whatever was sent before is answered
        await new Promise(setImmediate)
      }
    },
  }
}

/** The run that has begun. */
export async function begun(runs: Runs, fingerprint = 'one'): Promise<Run> {
  const answer = await runs.begin({ subject: '{key}', key: 'key', fingerprint })
  if (answer.state !== 'begun') throw new Error(`The run should have begun, but is ${answer.state}`)
  return answer.run
}

/** Loses what is known of a key, as a FLUSHALL or a failover does. */
export const lose: Operation<unknown, void, void> = defineOperation<unknown, void, void>({
  name: 'test.lose',
  step: () => ({ result: undefined, next: null }),
  lua: `
    delete()
    return {}
  `,
  encode: () => [],
  decode: () => undefined,
})
