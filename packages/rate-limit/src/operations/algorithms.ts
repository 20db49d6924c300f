import type { AlgorithmName, Policy } from '../policy.ts'
import type { Algorithm, AlgorithmPart } from './algorithm.ts'
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
  const keys: string[] = []
  for (const policy of policies) if (algorithmOf(policy).hasRing) keys.push(`${key}:${policy.digest}`)
  return keys
}

const ALGORITHMS: Record<AlgorithmName, Algorithm<unknown>> = {
  'fixed-window': fixedWindow,
  'sliding-window-counter': slidingWindowCounter,
  'sliding-window-log': slidingWindowLog,
  'token-bucket': tokenBucket,
  concurrency,
}

/** One part of the algorithm that `p` counts by. */
export function partLua(part: AlgorithmPart): string {
  const branches = Object.entries(ALGORITHMS).map(([name, { lua }]) => `if p.algorithm == '${name}' then\n${lua[part]}\n`)
  return `${branches.join('else')}end`
}
