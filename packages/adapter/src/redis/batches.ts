import type { RedisArgument, RedisReply } from '../operation.ts'
import type { Waiting } from './deadline.ts'
import { StepError } from './errors.ts'
import type { Script } from './script.ts'
import type { SendScript } from './send-script.ts'

/** One step that is to be run: on which keys, with which arguments, and who waits for it. */
export interface Step {
  readonly script: Script
  readonly slot: number
  readonly keys: readonly string[]
  readonly args: readonly RedisArgument[]
  readonly waiting: Waiting
}

interface Pending {
  readonly step: Step
  readonly bytes: number
  resolve(reply: RedisReply[]): void
  reject(error: unknown): void
}

/** The steps of one script in one slot: while some are on their way, those that come wait, and then go together. */
interface Lane {
  queue: Pending[]
  /** What is on its way and keeps the others back. */
  flight: Flight | undefined
}

/** A connection can be dead for minutes before it says so, and a client may never say so: after a while, others may go. */
interface Flight {
  readonly keepsBackUntil: number
}

export interface BatchesOptions {
  readonly send: SendScript
  /** What every script gets before its subjects: the injected time, or '', and the prefix of channels. */
  readonly header: () => readonly RedisArgument[]
  readonly patienceMs: number
}

export interface Batches {
  /** @returns What the step returned */
  run(step: Step): Promise<RedisReply[]>
  /** The connection is a new one: what was on its way on the old one keeps nothing back. */
  resume(): void
}

/** A script blocks Redis while it runs, so that a batch is bounded: some 100 steps take a millisecond. */
const MOST_STEPS = 128
const MOST_BYTES = 64 * 1024

/**
 * Runs steps, several in one EVALSHA where they meet.
 *
 * A step that comes alone goes at once. Steps of the same operation that come while it is on its way wait for it, and go
 * together. Each stays atomic on its own: its result and its error are its caller's.
 */
export function createBatches({ send, header, patienceMs }: BatchesOptions): Batches {
  const lanes = new Map<Script, Map<number, Lane>>()

  function laneOf(script: Script, slot: number): Lane {
    const bySlot = lanes.get(script) ?? new Map<number, Lane>()
    lanes.set(script, bySlot)
    const lane = bySlot.get(slot) ?? { queue: [], flight: undefined }
    bySlot.set(slot, lane)
    return lane
  }

  function forgetIfIdle(lane: Lane, { script, slot }: Step): void {
    if (lane.flight === undefined && lane.queue.length === 0) lanes.get(script)?.delete(slot)
  }

  /** Sends what waits, as much as may go together. */
  function pump(lane: Lane): void {
    const batch = nextBatch(lane.queue)
    const first = batch[0]?.step
    if (first === undefined) return
    const flight: Flight = { keepsBackUntil: performance.now() + patienceMs }
    lane.flight = flight
    const ended = (): void => {
      if (lane.flight !== flight) return
      lane.flight = undefined
      pump(lane)
      forgetIfIdle(lane, first)
    }
    // Where several were answered together, their callers may ask for more together, once they have run.
    void sendBatch(first, batch).then(batch.length === 1 ? ended : () => setImmediate(ended))
  }

  /** Never rejects: what becomes of it is told to each caller. */
  async function sendBatch(first: Step, batch: readonly Pending[]): Promise<void> {
    const args = [...header()]
    for (const { step } of batch) {
      step.waiting.sent = true
      args.push(step.keys.length, step.args.length)
      for (const arg of step.args) args.push(arg)
    }
    const keys = batch.length === 1 ? first.keys : batch.flatMap(({ step }) => step.keys)
    try {
      settle(
        batch,
        await send({
          script: first.script,
          slot: first.slot,
          keys,
          args,
          isOver: () => batch.every(({ step }) => step.waiting.over),
        }),
      )
    } catch (error) {
      for (const { reject } of batch) reject(error)
    }
  }

  return {
    run: (step) =>
      new Promise((resolve, reject) => {
        const pending: Pending = { step, bytes: bytesOf(step.args), resolve, reject }
        if (pending.bytes > MOST_BYTES) return void sendBatch(step, [pending])
        const lane = laneOf(step.script, step.slot)
        lane.queue.push(pending)
        if (lane.flight === undefined || lane.flight.keepsBackUntil <= performance.now()) pump(lane)
      }),
    resume() {
      for (const bySlot of lanes.values()) {
        for (const lane of bySlot.values()) {
          lane.flight = undefined
          pump(lane)
        }
      }
    },
  }
}

/** Takes from the queue what goes next; those for whom nobody waits any more are dropped: they have not run. */
function nextBatch(queue: Pending[]): Pending[] {
  const batch: Pending[] = []
  let bytes = 0
  let taken = 0
  for (const pending of queue) {
    if (batch.length === MOST_STEPS || bytes + pending.bytes > MOST_BYTES) break
    taken += 1
    if (pending.step.waiting.over) continue
    batch.push(pending)
    bytes += pending.bytes
  }
  queue.splice(0, taken)
  return batch
}

function bytesOf(args: readonly RedisArgument[]): number {
  return args.reduce<number>((sum, arg) => sum + (typeof arg === 'number' ? 8 : arg.length), 0)
}

/** Gives each caller its part of the reply. */
function settle(batch: readonly Pending[], reply: unknown): void {
  // Every script returns one flat array of integers and strings; the clients answer strings in bytes.
  const elements = reply as RedisReply[]
  let at = 0
  for (const { resolve, reject } of batch) {
    const count = Number(elements[at])
    if (count < 0) {
      reject(new StepError(String(elements[at + 1])))
      at += 2
    } else {
      resolve(elements.slice(at + 1, at + 1 + count))
      at += 1 + count
    }
  }
}
