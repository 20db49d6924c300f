declare module 'redlock' {
  import type { Redis } from 'ioredis'

  /** What is used of it here: its own types are not found by its `exports`. */
  class Redlock {
    constructor(clients: readonly Redis[], settings?: { readonly retryCount?: number })
    acquire(resources: string[], duration: number): Promise<{ release(): Promise<unknown> }>
  }

  export = Redlock
}
