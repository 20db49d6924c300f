import type { SessionRecord } from '../merge.ts'
import type { ReadResult } from '../operations/read.ts'
import { sha1Of, write } from '../operations/write.ts'
import type { Context } from './context.ts'

/**
 * Moves the end of a session to where the session says that it is, after a read which could not know: Redis looks for it in JSON, and
 * another serializer may write anything. Unless others have written it meanwhile, as that has moved its end.
 */
export type OwnEnd = (key: string, found: ReadResult, session: SessionRecord) => Promise<ReadResult>

export function createOwnEnd({ settings, dialect, run }: Context): OwnEnd {
  const { ttlMs: defaultMs, touchAfterMs } = settings

  return async function ownEnd(key, found, session) {
    const { bytes, leftMs, slid } = found
    const ttlMs = dialect.slideMs(session) ?? defaultMs
    const isThere = slid ? leftMs === ttlMs : leftMs >= 0 && ttlMs - leftMs < touchAfterMs
    if (isThere) return found
    const { written } = await run(write, key, { bytes, ttlMs, when: { sha1: sha1Of(bytes) } })
    return written ? { bytes, leftMs: ttlMs, slid: true } : found
  }
}
