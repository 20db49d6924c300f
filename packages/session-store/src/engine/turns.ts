import { setTimeout as wait } from 'node:timers/promises'

/**
 * Lets those take turns who write one thing in this process, so that many of them don't get in each other's way again and again.
 *
 * @param work Gets what the one before has left there, if there was one
 * @returns What `work` gives
 */
export type InTurn = <T>(
  key: string,
  work: (left: Buffer | undefined) => Promise<{ result: T; left: Buffer | undefined }>,
) => Promise<T>

/** Who waits for longer goes on: the one before may run code of the app, which may wait for this one. */
const MOST_MS = 100

export function createTurns(): InTurn {
  const last = new Map<string, Promise<Buffer | undefined>>()

  return async function inTurn(key, work) {
    const before = last.get(key)
    const done = (async () => work(before && (await Promise.race([before, wait(MOST_MS, undefined, { ref: false })]))))()
    const mine = done.then(
      ({ left }) => left,
      () => undefined,
    )
    last.set(key, mine)
    try {
      return (await done).result
    } finally {
      if (last.get(key) === mine) last.delete(key)
    }
  }
}
