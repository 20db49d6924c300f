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

/** The steps of one script in one slot: while as many batches as may be are on their way, those that come wait, and go together. */
interface Lane {
  queue: Pending[]
  /** What is on its way and keeps others back. */
  readonly flights: Set<Flight>
}

/** A connection can be dead for minutes before it says so, and a client may never say so: after a while, others may go. */
interface Flight {
  readonly steps: number
  readonly keepsBackUntil: number
}

export interface BatchesOptions {
  readonly send: SendScript
  /** What every script gets before its subjects: the injected time, or '', and the prefix of channels. */
  readonly header: () => readonly RedisArgument[]
  /** How long a batch keeps others back: longer than calls wait, so that a silent master's circuit opens before the others go. */
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
/** While Redis runs one batch, the answers to another are taken in. */
const MOST_FLIGHTS = 2
const MOST_BYTES = 64 * 1024
const IDLE_LANES = 1_000

/**
 * Runs steps, several in one EVALSHA where they meet.
 *
 * A step that comes alone goes at once. Of the same operation two batches are on their way at most: steps that come meanwhile wait
 * for one of them, and go together. Each stays atomic on its own: its result and its error are its caller's.
 */
export function createBatches({ send, header, patienceMs }: BatchesOptions): Batches {
  const lanes = new Map<Script, Map<number, Lane>>()

  function laneOf(script: Script, slot: number): Lane {
    const bySlot = lanes.get(script) ?? new Map<number, Lane>()
    lanes.set(script, bySlot)
    const lane = bySlot.get(slot) ?? { queue: [], flights: new Set<Flight>() }
    bySlot.set(slot, lane)
    return lane
  }

  /** On a Cluster there are more slots than are worth remembering. */
  function forgetIfIdle(lane: Lane, { script, slot }: Step): void {
    const bySlot = lanes.get(script)
    if (bySlot === undefined || bySlot.size <= IDLE_LANES) return
    if (lane.flights.size === 0 && lane.queue.length === 0) bySlot.delete(slot)
  }

  /** Sends what waits, as much as may go together. */
  function pump(lane: Lane): void {
    const batch = nextBatch(lane)
    const first = batch[0]?.step
    if (first === undefined) return
    const flight: Flight = { steps: batch.length, keepsBackUntil: first.waiting.since + patienceMs }
    lane.flights.add(flight)
    const ended = (): void => {
      if (!lane.flights.delete(flight)) return
      pump(lane)
      forgetIfIdle(lane, first)
    }
    // Where several were answered together, their callers may ask for more together, once they have run.
    void sendBatch(first, batch).then(batch.length === 1 ? ended : () => setImmediate(ended))
  }

  /** Never rejects: what becomes of it is told to each caller. */
  function sendBatch(first: Step, batch: readonly Pending[]): Promise<void> {
    const args = [...header()]
    for (const { step } of batch) {
      step.waiting.sent = true
      args.push(step.keys.length, step.args.length)
      for (const arg of step.args) args.push(arg)
    }
    const keys = batch.length === 1 ? first.keys : batch.flatMap(({ step }) => step.keys)
    const isOver = (): boolean => batch.every(({ step }) => step.waiting.over)
    return send({ script: first.script, slot: first.slot, waiting: first.waiting, keys, args, isOver })
      .then((reply) => settle(batch, reply))
      .catch((error: unknown) => {
        for (const { reject } of batch) reject(error)
      })
  }

  return {
    run: (step) =>
      new Promise((resolve, reject) => {
        const pending: Pending = { step, bytes: bytesOf(step.args), resolve, reject }
        if (pending.bytes > MOST_BYTES) return void sendBatch(step, [pending])
        const lane = laneOf(step.script, step.slot)
        lane.queue.push(pending)
        if (!isKeptBack(lane)) pump(lane)
      }),
    resume() {
      for (const bySlot of lanes.values()) {
        for (const lane of bySlot.values()) {
          lane.flights.clear()
          pump(lane)
        }
      }
    },
  }
}

function isKeptBack({ flights }: Lane): boolean {
  if (flights.size < MOST_FLIGHTS) return false
  const now = performance.now()
  for (const { keepsBackUntil } of flights) if (keepsBackUntil <= now) return false
  return true
}

/** Takes from the queue what goes next; those for whom nobody waits any more are dropped: they have not run. */
function nextBatch({ queue, flights }: Lane): Pending[] {
  let all = queue.length
  for (const { steps } of flights) all += steps
  const fair = Math.min(MOST_STEPS, Math.ceil(all / MOST_FLIGHTS))
  const batch: Pending[] = []
  let bytes = 0
  let taken = 0
  for (const pending of queue) {
    if (batch.length === fair || bytes + pending.bytes > MOST_BYTES) break
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
