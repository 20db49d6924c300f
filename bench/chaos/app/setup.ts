/** What an app's process is told in `CHAOS`. */
export interface Setup {
  readonly framework: 'express' | 'koa'
  /** Which Redis client it has. */
  readonly client: 'own' | 'ioredis' | 'node-redis'
  /** Where Redis is reached: one node, or those of a Cluster. */
  readonly nodes: readonly { readonly host: string; readonly port: number }[]
  readonly isCluster: boolean
  /** Where a Cluster's nodes are reached, by where they say that they are. */
  readonly reachedAt: Readonly<Record<string, { readonly host: string; readonly port: number }>>
  /** Where versions of what is cached are asked for. */
  readonly originUrl: string
}

export const PREFIX = 'chaos:'
/** How long what a killed process held stays taken: longer than an outage is felt, so that what is given back is told from what ends. */
export const LEASE_MS = 6_000
/** What is locked so long that its holder can be stopped meanwhile. */
export const LONG_KEY = 'long'
export const LONG_MS = 1_000
export const LIMIT = 10
export const WINDOW_MS = 1_000
export const SLOTS = 3
export const PAIR = 2
