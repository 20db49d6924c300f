import type { AlgorithmName, Policy } from '../policy.ts'
import type { Algorithm } from './algorithm.ts'
import { concurrency } from './concurrency.ts'
import { fixedWindow } from './fixed-window.ts'
import { slidingWindowCounter } from './sliding-window-counter.ts'
import { slidingWindowLog } from './sliding-window-log.ts'
import { tokenBucket } from './token-bucket.ts'

export function algorithmOf({ algorithm }: Policy): Algorithm<unknown> {
  return ALGORITHMS[algorithm]
}

/** What is beside the hash: a hash would copy a log whole for every hit. */
export function ringKeys(key: string, policies: readonly Policy[]): string[] {
  return policies.filter((policy) => algorithmOf(policy).hasRing).map(({ digest }) => `${key}:${digest}`)
}

const ALGORITHMS: Record<AlgorithmName, Algorithm<unknown>> = {
  'fixed-window': fixedWindow,
  'sliding-window-counter': slidingWindowCounter,
  'sliding-window-log': slidingWindowLog,
  'token-bucket': tokenBucket,
  concurrency,
}

export const algorithmsLua: string = `
  local algorithms = {}
  ${Object.values(ALGORITHMS)
    .map(({ lua }) => lua)
    .join('')}
`
