import { checkedFlag } from '@holdfast/adapter/options'
import type { HeldLock, Holding, Lock } from './lock.ts'
import type { Busy, Take, TakeOptions } from './take.ts'

/** The locks of several keys, held together. */
export interface MultiLock extends Holding {
  /** What is locked: each key once, in the order in which they were taken. */
  readonly keys: readonly string[]

  /**
   * The fence of each key. One number for all would be wrong: fences grow by each key's own holders, and whoever holds one of the keys
   * alone may have a smaller one next than another key has now.
   */
  readonly fences: ReadonlyMap<string, number>
}

type AllTaken = { readonly state: 'held'; readonly lock: MultiLock } | Busy

/**
 * Takes the locks of all keys, one after the other, or none of them.
 *
 * @param now The clock of `waitMs`
 * @param keys Sorted, each once
 */
export async function takeAll(
  take: Take,
  now: () => number,
  keys: readonly string[],
  { waitMs, autoExtend = true, ...options }: TakeOptions,
): Promise<AllTaken> {
  checkedFlag('autoExtend', autoExtend)
  const giveUpAt = now() + waitMs
  const held: HeldLock[] = []
  try {
    for (const key of keys) {
      const taken = await take(key, { ...options, waitMs: Math.max(0, giveUpAt - now()) })
      if (taken.state === 'busy') {
        await releaseAll(held)
        return taken
      }
      held.push(taken)
    }
    const lost = held.find(({ lock }) => !lock.isHeld())
    lost?.lock.signal.throwIfAborted()
  } catch (error) {
    await releaseAll(held)
    throw error
  }
  if (!autoExtend) for (const { heartbeat } of held) heartbeat.rest()
  return { state: 'held', lock: new LeaseLocks(held.map(({ lock }) => lock)) }
}

async function releaseAll(held: readonly HeldLock[]): Promise<void> {
  await Promise.all(held.map(({ lock }) => lock.release()))
}

class LeaseLocks implements MultiLock {
  readonly keys: readonly string[]
  readonly fences: ReadonlyMap<string, number>
  readonly #locks: readonly Lock[]
  #signal: AbortSignal | undefined

  constructor(locks: readonly Lock[]) {
    this.keys = locks.map(({ key }) => key)
    this.fences = new Map(locks.map(({ key, fence }) => [key, fence]))
    this.#locks = locks
  }

  get signal(): AbortSignal {
    const signals = this.#locks.map(({ signal }) => signal) // each time: reading them looks at the clock
    this.#signal ??= abortedByAny(signals)
    return this.#signal
  }

  readonly isHeld = (): boolean => this.#locks.every((lock) => lock.isHeld())

  readonly extend = async (): Promise<boolean> => {
    const extended = await Promise.all(this.#locks.map((lock) => lock.extend()))
    return extended.every(Boolean)
  }

  readonly release = async (): Promise<boolean> => {
    const released = await Promise.all(this.#locks.map((lock) => lock.release()))
    return released.every(Boolean)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.release()
  }
}

/** `AbortSignal.any` is not in all of Node 20. */
function abortedByAny(signals: readonly AbortSignal[]): AbortSignal {
  const controller = new AbortController()
  for (const signal of signals) {
    const end = (): void => controller.abort(signal.reason)
    if (signal.aborted) end()
    else signal.addEventListener('abort', end)
  }
  return controller.signal
}
