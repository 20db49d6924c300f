import { scheduler } from 'node:timers/promises'

const EVERY_MS = 20
const WITHIN_MS = 15_000

/**
 * Asks until there is an answer, in real time: servers do not say by themselves that they have come to agree.
 * A server that does not answer yet has no answer.
 */
export async function eventually<T>(what: string, ask: () => Promise<T | undefined>): Promise<T> {
  let cause: unknown
  for (const end = performance.now() + WITHIN_MS; performance.now() < end; await scheduler.wait(EVERY_MS)) {
    try {
      const answer = await ask()
      if (answer !== undefined) return answer
      cause = undefined
    } catch (error) {
      cause = error
    }
  }
  throw new Error(`Not within ${WITHIN_MS} ms: ${what}`, { cause })
}
