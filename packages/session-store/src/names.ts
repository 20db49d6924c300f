import { createHash, createHmac } from 'node:crypto'
import { createCipher } from './cipher.ts'
import { isObject } from './merge.ts'

/** Under which name a session is stored, after the prefix. */
export interface Names {
  of(sid: string): string
  /** The name that another store gives it, if that is another one. */
  plainOf(sid: string): string | undefined
}

/**
 * @param secret Makes names that don't tell the id
 * @param tagOf What keeps a name beside that of another store on a Cluster, so that both are asked for in one command
 */
export function createNames(secret: string | undefined, tagOf: (plainName: string) => string): Names {
  if (secret === undefined) return { of: (sid) => sid, plainOf: () => undefined }
  return {
    of: (sid) => tagOf(sid) + createHmac('sha256', secret).update(sid).digest('base64url'),
    plainOf: (sid) => sid,
  }
}

/** What a session is called where it is shown: it tells neither the name nor the id. */
export function publicId(name: string): string {
  return createHash('sha256').update('holdfast session ').update(name).digest('base64url').slice(0, 22)
}

/** Where a session went when its id was given up. */
export interface Move {
  readonly sid: string
  /** Until when the old id leads there: milliseconds since the epoch. */
  readonly until: number
  readonly user?: string
}

/** Other stores take it for a session without anything in it. */
const MOVED = '{"cookie":{"originalMaxAge":null,"expires":null,"httpOnly":true,"path":"/"},"__holdfast":{"moved":"'
const MOVED_END = '"}}'

/** What is stored under an id that was given up. Only who has that id can read it. */
export function moveRecord(from: string, move: Move): Buffer {
  return Buffer.from(
    MOVED +
      createCipher([secretOf(from)])
        .seal(JSON.stringify(move), MOVED)
        .toString('base64url') +
      MOVED_END,
  )
}

/**
 * Where the session went, if that is what the bytes tell.
 *
 * @throws {Error} when they were not made for this id
 */
export function moveIn(from: string, bytes: Buffer): Move | undefined {
  if (!isMoveRecord(bytes)) return undefined
  const sealed = Buffer.from(bytes.subarray(MOVED.length, -MOVED_END.length).toString('latin1'), 'base64url')
  const move: unknown = JSON.parse(createCipher([secretOf(from)]).open(sealed, MOVED))
  if (!isObject(move)) throw new TypeError('It is no object')
  const { sid, until, user } = move
  return { sid: String(sid), until: Number(until), ...(typeof user === 'string' && { user }) }
}

/** Whether bytes say that the session went elsewhere. */
export function isMoveRecord(bytes: Buffer): boolean {
  return bytes.subarray(0, MOVED.length).equals(MOVED_BYTES)
}

const MOVED_BYTES = Buffer.from(MOVED)

function secretOf(sid: string): string {
  return `moved ${sid}`
}
