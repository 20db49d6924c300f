import { channel } from 'node:diagnostics_channel'

/** What subscribers of the diagnostics channel `holdfast.lock` get. */
export type LockEvent = Taken | Left | Lost | Failed

interface About {
  /** That of `createLocks`. */
  readonly name: string
  readonly key: string
}

interface Taken extends About {
  readonly type: 'acquired'
  readonly fence: number
  readonly waitedMs: number
}

interface Left extends About {
  readonly type: 'released'
  readonly fence: number
  /** False when it was lost before, or when the adapter failed, with this error: then it ends by itself. */
  readonly held: boolean
  readonly error?: unknown
}

interface Lost extends About {
  readonly type: 'lost'
  readonly fence: number
}

interface Failed extends About {
  /** Others hold it, the call was ended by its signal, or the adapter failed; `error` says which, where there was one. */
  readonly type: 'refused'
  readonly waitedMs: number
  readonly error?: unknown
}

const events = channel('holdfast.lock')

export function announce(event: LockEvent): void {
  if (events.hasSubscribers) events.publish(event)
}
