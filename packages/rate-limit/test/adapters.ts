import type { Adapter } from '@holdfast/adapter'
import { memoryAdapter } from '@holdfast/adapter/memory'
import { redisAdapter } from '@holdfast/adapter/redis'
import { ownPrefix, sharedRedisUrl } from '@holdfast/test/redis'

/** Where every suite of this package runs. */
export const adapters: [string, (now?: () => number) => Adapter][] = [
  ['memory', (now) => memoryAdapter({ ...(now && { now }) })],
  ['Redis', (now) => redisAdapter({ url: sharedRedisUrl(), prefix: ownPrefix(), ...(now && { now }) })],
]
