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

/**
 * Defines `algorithm_of(name)`, with the functions that an operation needs, and what algorithms share: `max`, `min`, `floor`, `ceil`,
 * `pack`, `LARGEST` and `token`, the caller's. Redis makes functions anew for every call: only those of algorithms that are asked for are
 * made.
 */
export function algorithmsLua(parts: readonly AlgorithmPart[]): string {
  const branches = Object.entries(ALGORITHMS).map(([name, { lua }]) => {
    const functions = parts.map((part) => `${part} = ${lua[part]}`)
    return `elseif name == '${name}' then ${lua.helpers ?? ''} algorithm = { ${functions.join(', ')} }`
  })
  return `
  local max, min, floor, ceil, pack = math.max, math.min, math.floor, math.ceil, cmsgpack.pack
  local LARGEST, token = ${Number.MAX_SAFE_INTEGER}, nil
  local made = {}
  local function algorithm_of(name)
    local algorithm = made[name]
    if algorithm then return algorithm
    ${branches.join('\n')}
    end
    made[name] = algorithm
    return algorithm
  end
`
}
