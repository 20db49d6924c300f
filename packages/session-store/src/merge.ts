import { isDeepStrictEqual } from 'node:util'

/** What a session holds, as it is stored. */
export type SessionRecord = Record<string, unknown>

/**
 * Merges three ways, key by key: what I did not touch is theirs, also where they took it away; what I took away is gone; where both
 * are objects their keys are merged; else mine stands. Lists are values: nobody can know what a new place in one means.
 *
 * @param base What I read
 * @param mine What I made of it
 * @param theirs What others made of it meanwhile
 */
export function merge(base: SessionRecord, mine: SessionRecord, theirs: SessionRecord): SessionRecord {
  const merged: [string, unknown][] = []
  for (const key of new Set([...Object.keys(mine), ...Object.keys(theirs)])) {
    const [before, own, other] = [at(base, key), at(mine, key), at(theirs, key)]
    if (isDeepStrictEqual(own, before)) {
      if (other !== undefined) merged.push([key, other])
    } else if (isObject(own) && isObject(other)) {
      merged.push([key, merge(isObject(before) ? before : {}, own, other)])
    } else if (own !== undefined) merged.push([key, own])
  }
  return Object.fromEntries(merged) // which makes a key of its own even of `__proto__`
}

/** Whether there is a record in what was parsed: stored bytes can be anything. */
export function isObject(value: unknown): value is SessionRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function at(record: SessionRecord, key: string): unknown {
  return Object.hasOwn(record, key) ? record[key] : undefined
}
