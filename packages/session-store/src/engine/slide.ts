import { read } from '../operations/read.ts'
import { touch } from '../operations/touch.ts'
import type { Context } from './context.ts'
import type { Held } from './held.ts'

/** Moves the end of a session that a request has left as it is. False when it is gone. */
export type Slide = (held: Held, ttlMs: number) => Promise<boolean>

/** By what is stored now, where that says how long it lives: others may have changed it, and nothing of theirs is written over. */
export function createSlide({ settings, dialect, codec, names, run }: Context): Slide {
  const { adapter, prefix, ttlMs: defaultMs, ttlOf, touchAfterMs } = settings
  const canBeSaid = ttlOf === undefined && touchAfterMs !== Infinity
  const sliding = { defaultMs, afterMs: touchAfterMs, by: dialect.by }

  return async function slide(held, ttlMs) {
    const name = held.stored === undefined ? (names.plainOf(held.sid) ?? held.name) : held.name
    const key = prefix + name
    const isSaid = canBeSaid && codec.tellsLifetime(held.stored ?? held.plain)
    const isThere = isSaid ? (await run(read, key, sliding)) !== undefined : await run(touch, key, { ttlMs })
    if (isThere) held.movedAt = adapter.now()
    return isThere
  }
}
