import type { CallOptions } from '@holdfast/adapter'

/** What the calls of the adapter may take, all together, in one call of the cache. Calls at the same time take it once. */
export interface Budget {
  /** Makes a call within what is left. */
  spend<T>(call: (options: CallOptions) => Promise<T>): Promise<T>
}

export function createBudget(timeoutMs: number): Budget {
  let leftMs = timeoutMs
  let running = 0
  let since = 0
  return {
    async spend(call) {
      const now = performance.now()
      if (running === 0) since = now
      running += 1
      try {
        return await call({ timeoutMs: Math.max(1, Math.ceil(leftMs - (now - since))) })
      } finally {
        running -= 1
        if (running === 0) leftMs -= performance.now() - since
      }
    },
  }
}
