import type { RedisArgument, RedisReply } from '../operation.ts'
import type { Waiting } from './deadline.ts'
import { StepError } from './errors.ts'
import { createLanes, type Item } from './lanes.ts'
import type { Script } from './script.ts'
import { AGAIN } from './script-frame.ts'
import type { Asked, SendScript } from './send-script.ts'

/** One step that is to be run: on which keys, with which arguments, and who waits for it. */
export interface Step {
  readonly script: Script
  readonly slot: number
  readonly keys: readonly string[]
  readonly args: readonly RedisArgument[]
  readonly waiting: Waiting
}

interface Pending extends Item {
  readonly step: Step
  resolve(reply: RedisReply[]): void
  reject(error: unknown): void
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
/** What goes with each argument. */
const ARGUMENT_BYTES = 6

/**
 * Runs steps, several in one EVALSHA where they meet: those of one operation, in one slot. Each stays atomic on its own: its result and
 * its error are its caller's.
 */
export function createBatches({ send, header, patienceMs }: BatchesOptions): Batches {
  const lanes = createLanes<Pending>({ send: sendBatch, mostItems: MOST_STEPS, patienceMs })

  function sendBatch(batch: readonly [Pending, ...Pending[]]): Promise<void> {
    const [{ step: first }] = batch
    let asking: readonly Pending[] = batch
    function ask(): Asked {
      if (batch.some(isOver)) asking = batch.filter((each) => !isOver(each))
      const keys = batch.length === 1 ? first.keys : asking.flatMap(({ step }) => step.keys)
      return { keys, args: packed(asking) }
    }
    return send({ script: first.script, slot: first.slot, waiting: first.waiting, ask, isOver: () => batch.every(isOver) })
      .then((reply) => settle(asking, reply))
      .catch((error: unknown) => {
        for (const { reject } of batch) reject(error)
      })
  }

  function packed(batch: readonly Pending[]): RedisArgument[] {
    const args = [...header()]
    let before: Step | undefined
    for (const { step } of batch) {
      step.waiting.sent = true
      if (before !== undefined && isAgain(step, before)) args.push(AGAIN)
      else {
        args.push(step.keys.length, step.args.length)
        for (const arg of step.args) args.push(arg)
      }
      before = step
    }
    return args
  }

  return {
    run: (step) =>
      new Promise((resolve, reject) => {
        const { script, slot, args, waiting } = step
        lanes.add(script, slot, { step, waiting, bytes: bytesOf(args), resolve, reject })
      }),
    resume: lanes.resume,
  }
}

function isOver({ waiting }: Pending): boolean {
  return waiting.over
}

/** Whether both ask the same, of different subjects. */
function isAgain(step: Step, { keys, args }: Step): boolean {
  return (
    step.keys.length === keys.length && step.args.length === args.length && step.args.every((arg, index) => arg === args[index])
  )
}

function bytesOf(args: readonly RedisArgument[]): number {
  return args.reduce<number>((sum, arg) => sum + ARGUMENT_BYTES + (typeof arg === 'number' ? 8 : arg.length), 0)
}

/** Gives each caller its part of the reply. */
function settle(batch: readonly Pending[], reply: unknown): void {
  // Every script returns one flat array of integers and strings, or the one element of the one step; the clients answer strings in bytes.
  const elements = (Array.isArray(reply) ? reply : [1, reply]) as RedisReply[]
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
