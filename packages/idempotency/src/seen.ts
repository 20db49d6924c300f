import { createRequestNotes } from '@holdfast/http'

/** What a handler gets to know of its request. */
export interface IdempotentRequest {
  /** The client's; undefined where it gave none, or its method needs none. */
  readonly key: string | undefined
  /** 1 at first; 2 and more when the attempts before it died, failed or were cancelled. */
  readonly attempt: number
  /**
   * Greater than that of any attempt with this key before: let what the handler works on refuse a smaller one. Undefined where nothing
   * protects the request: there is no key, or the adapter has failed and `failure` is `'open'`.
   */
  readonly fence: number | undefined
  /**
   * Aborted with a `RunLostError` when another attempt may begin: this one has lost its lease, or has failed, though its handler may
   * still be at work. Not aborted by `cancel`.
   */
  readonly signal: AbortSignal
  /**
   * Frees the key at once, and the response is not kept: the next request with this key runs, whatever it asks for.
   *
   * @returns Whether it was freed. False as well when the adapter fails: then the key is free when its lease is over.
   */
  cancel(): Promise<boolean>
}

interface Seen {
  readonly subject: string | undefined
  readonly request: IdempotentRequest
}

const notes = createRequestNotes<Seen>('holdfast.idempotency')

/**
 * What the middleware knows of a request that came by it.
 *
 * @throws {TypeError} when none did: nothing protects the request then
 */
export function getIdempotency(native: object): IdempotentRequest {
  const seen = notes.on(native).at(-1)
  if (seen !== undefined) return seen.request
  throw new TypeError('getIdempotency: no idempotency middleware stands in front of this handler')
}

/** Whether a middleware further in front holds the same key: it would wait for itself. */
export function isHeld(native: object, subject: string): boolean {
  return notes.on(native).some((each) => each.subject === subject)
}

export function remember(native: object, subject: string, request: IdempotentRequest): void {
  notes.add(native, { subject, request })
}

/** Nothing protects this request, unless a middleware further in front does. */
export function rememberUnprotected(native: object, key?: string): void {
  if (notes.on(native).length > 0) return
  const request = { key, attempt: 1, fence: undefined, signal: NEVER, cancel: async () => false }
  notes.add(native, { subject: undefined, request })
}

const NEVER = new AbortController().signal
