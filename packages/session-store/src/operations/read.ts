import { defineOperation, type Operation } from '@holdfast/adapter'
import { lifetime, lifetimeLua, type Sliding } from './lifetime.ts'

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

  lua: `
    local default, after, by = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3]
    local bytes = read()
    if not bytes then return {} end
    local left = left() or -1
    if not after then return { bytes, left, 0 } end -- where nothing is moved, nothing says how
    local ttl, patched = lifetime(bytes, default, by)
    if left >= 0 and ttl - left < after then return { bytes, left, 0 } end
    if patched then write(ttl, patched) else expire(ttl) end
    return { patched or bytes, ttl, 1 }
  `,

  encode: ({ defaultMs, afterMs, by }) => (afterMs < 0 ? [] : [defaultMs, afterMs, by]),
  decode: ([bytes, leftMs, slid]) =>
    typeof bytes === 'object' ? { bytes, leftMs: Number(leftMs), slid: slid === 1 } : undefined,
})
