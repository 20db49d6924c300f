import type { CallOptions } from '@holdfast/adapter'

/** What the calls of the adapter may take, all together, in one call of the cache. */
export interface Budget {
  /** Makes a call within what is left. */
  spend<T>(call: (options: CallOptions) => Promise<T>): Promise<T>
}

export function createBudget(timeoutMs: number): Budget {
  let leftMs = timeoutMs
  return {
    async spend(call) {
      const begunAt = performance.now()
      try {
        return await call({ timeoutMs: Math.max(1, Math.ceil(leftMs)) })
      } finally {
        leftMs -= performance.now() - begunAt
      }
    },
  }
}
