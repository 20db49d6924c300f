import type { Meta } from '../record.ts'

/** What a request knows of a session that it has read or written: what its next write starts from. */
export interface Held {
  /** The id that leads to it now. */
  readonly sid: string
  readonly name: string
  /** What the request saw, as text: its own changes are what differs from it. */
  view: string
  /** What is stored, as far as is known: what others wrote, and the request itself. */
  theirs: string
  /** What a write must find, text as its bytes. Undefined while the session is only under the name that another store gave it. */
  stored: Buffer | string | undefined
  /** The bytes under the other store's name, until they are taken over. */
  plain: Buffer | undefined
  meta: Meta
  user: string | undefined
  /** Milliseconds that it had left when it was read or written; -1 where it had no end. */
  leftMs: number
  /** Until when its user's list has it, in milliseconds since the epoch. */
  listedUntil: number
  /** When this request moved its end, by its read or a write, by the adapter's clock; undefined where it has not. */
  movedAt: number | undefined
}

/** Whether its end was moved so lately that to move it again is not worth a command: a request that is not slow is over by then. */
export function hasJustMoved({ movedAt }: Held, now: number): boolean {
  return movedAt !== undefined && now - movedAt < 1_000
}
