import crypto from 'node:crypto'
import { defineOperation, type Operation, type Transition } from '@holdfast/adapter'
import { lifetimeLua } from './lifetime.ts'
import { recordLua } from './record-lua.ts'

export interface WriteArgs {
  /** Text stands for its bytes in UTF-8. */
  readonly bytes: Buffer | string
  /** Milliseconds. With 0 or less what is there is deleted. */
  readonly ttlMs: number
  /** What must be there, or else nothing is written: nothing, anything, whatever there is, or bytes with this SHA-1. */
  readonly when: 'absent' | 'present' | 'any' | { readonly sha1: string }
  /** Whether to tell what was there also where it is written over. */
  readonly tells?: boolean
}

export interface WriteResult {
  readonly written: boolean
  /** What was there before; where it was written over, only if that was asked for. */
  readonly before: Buffer | undefined
}

/**
 * Writes, or deletes, what is stored under a session's key, if there is what must be there.
 *
 * The SHA-1 stands for the bytes that a request has read: no version has to be stored with them.
 */
export const write: Operation<Uint8Array, WriteArgs, WriteResult> = defineOperation({
  name: 'session.write',
  state: 'string',

  step(state: Uint8Array | undefined, { bytes, ttlMs, when, tells = false }: WriteArgs): Transition<Uint8Array, WriteResult> {
    const before = state === undefined ? undefined : Buffer.from(state)
    if (!isAllowed(state, when)) return { result: { written: false, before } }
    const next = ttlMs > 0 ? { state: typeof bytes === 'string' ? Buffer.from(bytes) : bytes, ttlMs } : null
    return { result: { written: true, before: tells ? before : undefined }, next }
  },

  luaPrelude: lifetimeLua,
  lua: recordLua,

  encode({ bytes, ttlMs, when, tells = false }) {
    const needed = typeof when === 'string' ? when : when.sha1
    return tells ? ['write', bytes, ttlMs, needed, 'tells'] : ['write', bytes, ttlMs, needed]
  },
  decode: ([written, before]) => ({ written: written === 1, before: typeof before === 'object' ? before : undefined }),
})

/** Takes half the time of an object that hashes. Node 20.12 has it. */
const { hash }: { hash?: typeof crypto.hash } = crypto

/** The SHA-1 of bytes, as a write asks for it. */
export function sha1Of(bytes: Uint8Array | string): string {
  return hash?.('sha1', bytes) ?? crypto.createHash('sha1').update(bytes).digest('hex')
}

function isAllowed(state: Uint8Array | undefined, when: WriteArgs['when']): boolean {
  if (when === 'any') return true
  if (when === 'absent') return state === undefined
  return state !== undefined && (when === 'present' || sha1Of(state) === when.sha1)
}
