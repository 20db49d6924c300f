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

/**
 * Defines `algorithm_of(name)`, and what algorithms share: `call`, `max`, `min`, `floor`, `ceil`, `format`, `LARGEST` and `token`, the
 * caller's. Only those that are asked for are made.
 */
export const algorithmsLua: string = `
  local call, format, max, min, floor, ceil = redis.call, string.format, math.max, math.min, math.floor, math.ceil
  local LARGEST, token = ${Number.MAX_SAFE_INTEGER}, nil
  local made = {}
  local function make(name)
    ${Object.entries(ALGORITHMS)
      .map(([name, { lua }]) => `if name == '${name}' then ${lua} end`)
      .join('\n')}
  end
  local function algorithm_of(name)
    local algorithm = made[name] or make(name)
    made[name] = algorithm
    return algorithm
  end
`
