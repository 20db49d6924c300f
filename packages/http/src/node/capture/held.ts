import type { ServerResponse } from 'node:http'
import { reasonOf, setReason } from '../version.ts'
import { type Methods, replace } from './below.ts'
import { bytesOf, type Kept } from './kept.ts'
import { checkLength, writeAfterEnd } from './length.ts'

type Callback = (error?: Error | null) => void

interface StatusLine {
  readonly status: number
  readonly reason: string
}

interface Pending {
  readonly chunk: Buffer
  readonly callback: Callback | undefined
}

/** What later handlers have done to a response while it was held: enough to do it again. */
export class Held {
  /** The head came by `writeHead` or `flushHeaders`, not by what was written first. */
  explicit = false
  flushed = false
  /** One `end` was all: Node tells its length to the client. */
  whole = false
  ended = false
  /** While it goes out: the end of HTTP/2 writes its chunk by the response's own methods. */
  isSending = false
  hasBody = true
  /** How many bytes the head says that there are. */
  length: number | undefined
  #line: StatusLine | undefined
  readonly #res: ServerResponse
  readonly #kept: Kept
  readonly #pending: Pending[] = []
  readonly #onFinish: Callback[] = []
  #size = 0

  constructor(res: ServerResponse, kept: Kept) {
    this.#res = res
    this.#kept = kept
  }

  /** Keeps the status line as it is when the head comes: nobody gets what is set on a response after that. */
  keepLine(): void {
    this.#line = { status: this.#res.statusCode, reason: reasonOf(this.#res) }
  }

  /** Whether no more and no less was written than the head says. */
  get isWhole(): boolean {
    return this.length === undefined || this.length === this.#kept.size
  }

  get isFull(): boolean {
    return this.#pending.length > 0
  }

  /** Keeps a chunk. Returns whether it fits: one that does not, and all after it, waits until the response streams. */
  write(chunk: unknown, encoding: unknown, callback?: unknown): boolean {
    const bytes = bytesOf(chunk, encoding)
    const done = asCallback(callback)
    if (this.hasBody) {
      this.#count(bytes.length)
      if (this.isFull || !this.#kept.fits(bytes.length)) {
        this.#pending.push({ chunk: bytes, callback: done })
        return false
      }
      this.#kept.add(bytes)
    }
    if (done !== undefined) process.nextTick(done)
    return true
  }

  end(callback: unknown): void {
    if (this.length !== this.#size) checkLength(this.#res, this.length, this.#size)
    this.ended = true
    this.onFinish(callback)
  }

  onFinish(callback: unknown): void {
    const known = asCallback(callback)
    if (known !== undefined) this.#onFinish.push(known)
  }

  /** Fails a write after the end as Node does: loudly, unless the client has left. */
  refuse(callback: unknown, isGone: boolean): false {
    return writeAfterEnd(this.#res, asCallback(callback), this.ended && !isGone)
  }

  /**
   * Does to the methods below what was done to the response.
   *
   * @returns Whether more may be written at once
   */
  send(below: Methods, isGone: boolean): boolean {
    this.isSending = true
    try {
      return this.#send(below, isGone)
    } finally {
      this.isSending = false
    }
  }

  #send(below: Methods, isGone: boolean): boolean {
    const res = this.#res
    if (this.#line !== undefined) {
      res.statusCode = this.#line.status
      setReason(res, this.#line.reason)
    }
    replace(res, { writeHead: below.writeHead }) // hooks over ours have run: Node must not run them again
    this.callBack(isGone)
    const chunks = [...this.#kept.chunks.map((chunk) => ({ chunk, callback: undefined })), ...this.#pending]
    if (this.explicit || (!this.whole && chunks.length === 0)) below.writeHead.call(res, res.statusCode)
    if (this.flushed && !this.ended) below.flushHeaders.call(res)
    if (this.whole) {
      const [only] = chunks
      below.end.call(res, only?.chunk)
      return true
    }
    let isOpen = true
    for (const { chunk, callback } of chunks) isOpen = below.write.call(res, chunk, undefined, callback)
    if (this.ended) below.end.call(res)
    return isOpen
  }

  /** Hands the callbacks of `end` over: to Node, or, where nothing can finish any more, to the next tick. */
  callBack(isGone: boolean): void {
    for (const callback of this.#onFinish) {
      if (isGone) process.nextTick(callback)
      else this.#res.once('finish', () => callback())
    }
  }

  #count(bytes: number): void {
    const size = this.#size + bytes
    if (this.length !== undefined && size > this.length) checkLength(this.#res, this.length, size)
    this.#size = size
  }
}

function asCallback(callback: unknown): Callback | undefined {
  if (typeof callback !== 'function') return undefined
  return (error) => {
    Reflect.apply(callback, undefined, error ? [error] : [])
  }
}
