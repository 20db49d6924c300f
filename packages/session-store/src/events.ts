import { channel } from 'node:diagnostics_channel'

/**
 * What a store has to tell. Subscribers of the diagnostics channel `holdfast.session-store` get it, and so do listeners of the store
 * by its `type`. `id` names a session as the list of a user's sessions does: it is not the id in the cookie.
 */
export type SessionEvent =
  /** A write came after the session was gone: it was logged out, or had ended. Nothing was stored. */
  | { readonly type: 'dropped'; readonly id: string }
  /** Another request had written first: its changes and these were merged, or `onConflict` said otherwise. */
  | { readonly type: 'conflict'; readonly id: string }
  /** What is stored cannot be read. The user gets a new session. */
  | { readonly type: 'corrupt'; readonly id: string; readonly error: unknown }
  /** An id was used that had been given up by a regenerate, after its grace: someone else may have it. */
  | { readonly type: 'reuse'; readonly id: string; readonly user: string | undefined }
  /** A user's session ended because there were more than `maxPerUser`. */
  | { readonly type: 'evicted'; readonly id: string; readonly user: string }
  /** The adapter failed, and with `failure: 'open'` the request went on without its session. */
  | { readonly type: 'failure'; readonly id: string; readonly error: unknown }

const events = channel('holdfast.session-store')

/** Whom a store tells. */
export type Tell = (event: SessionEvent) => void

/** Tells the subscribers of the channel, and the store's own listeners. */
export function announce(store: { emit(type: string, event: SessionEvent): unknown }, event: SessionEvent): void {
  if (events.hasSubscribers) events.publish(event)
  store.emit(event.type, event)
}
