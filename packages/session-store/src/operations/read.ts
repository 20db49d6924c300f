import { defineOperation, type Operation } from '@holdfast/adapter'
import { lifetime, lifetimeLua, type Sliding } from './lifetime.ts'
import { recordLua } from './record-lua.ts'

export interface ReadResult {
  readonly bytes: Buffer
  /** Milliseconds until the session ends; -1 where it has no end. */
  readonly leftMs: number
  /** Whether its end was moved. */
  readonly slid: boolean
}

/** What is stored under a session's key. In the same step its end moves as far away as the session says it lives. */
export const read: Operation<Uint8Array, Sliding, ReadResult | undefined> = defineOperation({
  name: 'session.read',
  state: 'string',

  step(state: Uint8Array | undefined, sliding: Sliding, now, ends) {
    if (state === undefined) return { result: undefined }
    const leftMs = ends === undefined ? -1 : ends - now
    const { ttlMs, bytes } = lifetime(state, sliding, now)
    const isDue = sliding.afterMs >= 0 && (leftMs < 0 || ttlMs - leftMs >= sliding.afterMs)
    if (!isDue) return { result: { bytes: Buffer.from(state), leftMs, slid: false } }
    return { result: { bytes: Buffer.from(bytes), leftMs: ttlMs, slid: true }, next: { state: bytes, ttlMs } }
  },

  luaPrelude: lifetimeLua,
  lua: recordLua,

  encode: ({ defaultMs, afterMs, by }) => (afterMs < 0 ? [] : ['slide', defaultMs, afterMs, by]),
  decode: ([bytes, leftMs, slid]) =>
    typeof bytes === 'object' ? { bytes, leftMs: Number(leftMs), slid: slid === 1 } : undefined,
})
