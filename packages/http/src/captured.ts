/**
 * The head of a response that is on its way out. It is what later handlers made it, `Date` included; `Connection`, `Keep-Alive` and a
 * `Content-Length` or `Transfer-Encoding` that nobody has set are Node's to add.
 */
export interface ResponseHead {
  readonly status: number

  /** The reason phrase, where it is another than the status' own. */
  readonly reason: string | undefined

  /** Names and values in turn, as Node's `rawHeaders`: a header that is sent several times is there several times, in order. */
  readonly rawHeaders: string[]

  /** A header's value; one that is sent several times is joined by `, `. */
  getHeader(name: string): string | undefined

  /** @throws {Error} when the head is sent already */
  setHeader(name: string, value: string | readonly string[]): void

  /** @throws {Error} when the head is sent already */
  removeHeader(name: string): void
}

/**
 * What happens to a response from its head on.
 *
 * - `'tee'`: it goes to the client as it is written, and a copy is kept. As long as it is, a client that takes little at a time does not
 *   slow its making: what it has not taken is in memory as well, up to `maxBytes`.
 * - `'hold'`: nothing of it goes to the client before it is released.
 * - `'pass'`: it goes to the client, and nothing is kept.
 */
export type CaptureMode = 'tee' | 'hold' | 'pass'

export interface HoldOptions {
  /** How many bytes of a body are kept: one more chunk may be in memory, not more. */
  readonly maxBytes: number

  /**
   * Called once, with nothing sent, when the body is larger than `maxBytes`. Until it is settled the later handlers are told to wait:
   * `write` returns false, and `drain` follows. Then the whole response goes to the client as it is written. Where it fails, too: its
   * error is then what the capture rejects with.
   */
  readonly onTooLarge?: (head: ResponseHead) => void | Promise<void>
}

export interface TeeOptions extends HoldOptions {
  /**
   * Called once, synchronously, just before the head is sent. Headers can be changed here, and only here.
   *
   * Where it throws, the response passes, and the capture rejects with its error.
   */
  readonly onHead: (head: ResponseHead) => CaptureMode

  /** Called when the body has turned out to be larger than `maxBytes`, and nothing is kept of it any more; the rest may take long. */
  readonly onDropped?: () => void

  /** On Koa, called when later handlers have left a whole body, no stream, in the context: before the middlewares in front go on. */
  readonly onWhole?: () => void
}

/**
 * How a response ended.
 *
 * - `'complete'`: a later handler has ended it, with as many bytes as it said, whether or not the client was still there.
 * - `'cut'`: it stopped before its end: a later handler destroyed it, or wrote less than it said, or its stream broke off because the
 *   client had left. There may be no head.
 * - `'too-large'`: larger than `maxBytes`.
 * - `'passed'`: nothing was kept.
 */
export type Captured = CompleteResponse | { readonly outcome: 'cut' | 'too-large' | 'passed' }

/** What a body was before it was bytes: `'none'` where Koa sends the status in words. */
export type BodyForm = 'bytes' | 'text' | 'json' | 'none'

export interface CompleteResponse {
  readonly outcome: 'complete'
  readonly status: number
  readonly reason: string | undefined
  /** Names and values in turn, `Date` included, as later handlers made them: before `onHead` changed any. */
  readonly rawHeaders: readonly string[]
  /** The bytes as the handler wrote them, none for HEAD, 204 and 304: a copy, which nobody else changes. */
  readonly body: Buffer
  /** As what the handlers left the body in Koa's context; elsewhere `'bytes'`. */
  readonly form: BodyForm
  /** The head that will be sent, of a response that is held. */
  readonly head: ResponseHead
}
