import { channel } from 'node:diagnostics_channel'

/**
 * What a store has to tell. Subscribers of the diagnostics channel `holdfast.session-store` get it, and so do listeners of the store
 * by its `type`.
 */
export type SessionEvent =
  /** A write came after the session was gone: it was logged out, or had ended. Nothing was stored. */
  | { readonly type: 'dropped'; readonly key: string }
  /** Another request had written first: its changes and these were merged, or `onConflict` said otherwise. */
  | { readonly type: 'conflict'; readonly key: string }
  /** What is stored cannot be read. The user gets a new session. */
  | { readonly type: 'corrupt'; readonly key: string; readonly error: unknown }
  /** An id was used that had been given up by a regenerate, after its grace: someone else may have it. */
  | { readonly type: 'reuse'; readonly key: string; readonly user: string | undefined }
  /** A user's session ended because there were more than `maxPerUser`. */
  | { readonly type: 'evicted'; readonly key: string; readonly user: string }
  /** The adapter failed, and with `failure: 'open'` the request went on without its session. */
  | { readonly type: 'failure'; readonly key: string; readonly error: unknown }

const events = channel('holdfast.session-store')

/** Tells of an event. `emit` is the store's own. */
export function announce(emit: (type: string, event: SessionEvent) => unknown, event: SessionEvent): void {
  if (events.hasSubscribers) events.publish(event)
  emit(event.type, event)
}
