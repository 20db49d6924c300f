import type { ServerResponse } from 'node:http'
import { type Methods, replace } from './below.ts'
import { applyHead } from './head.ts'
import type { Held } from './held.ts'

/** What becomes of a response, as its methods have to know it. */
export interface Course {
  readonly isOpen: boolean
  readonly isTeeing: boolean
  readonly isHolding: boolean
  readonly isEnded: boolean
  readonly held: Held
  takeHead(): void
  /** The head that was taken could not be sent: another will come. */
  reopen(): void
  keep(chunk: unknown, encoding: unknown, callback?: unknown): boolean
  copy(chunk: unknown, encoding: unknown): void
  complete(): void
  refuse(callback: unknown): false
  destroy(error: Error | undefined): ServerResponse
}

/** The methods that later handlers call, with the arguments and results of Node's. */
export class Calls {
  readonly methods: Methods
  readonly #res: ServerResponse
  readonly #below: Methods
  readonly #course: Course
  #isImplying = false
  /** While an end goes out: what is in front may write the chunk by the response's own methods, and destroy it, as inject's does. */
  #isEnding = false

  constructor(res: ServerResponse, below: Methods, course: Course) {
    this.#res = res
    this.#below = below
    this.#course = course
    this.methods = {
      writeHead: (...args) => this.#writeHead(args),
      write: (chunk, encoding, callback) => this.#write(chunk, encoding, callback),
      end: (chunk, encoding, callback) => this.#end(chunk, encoding, callback),
      flushHeaders: () => this.#flushHeaders(),
      destroy: (error) => (this.#isEnding ? below.destroy.call(res, error) : course.destroy(error)),
    }
  }

  #writeHead(args: unknown[]): ServerResponse {
    const course = this.#course
    if (course.isOpen) {
      applyHead(this.#res, args)
      course.takeHead()
      if (this.#isImplying) return this.#res
      if (!course.isHolding) return this.#sendHead()
      course.held.explicit = true
      return this.#res
    }
    if (course.isHolding) throw headersSent()
    return this.#below.writeHead.apply(this.#res, args)
  }

  #sendHead(): ServerResponse {
    try {
      return this.#below.writeHead.call(this.#res, this.#res.statusCode)
    } catch (error) {
      if (!this.#res.headersSent) this.#course.reopen()
      throw error
    }
  }

  /** Takes the head that a first `write` or `end` implies, by way of the hooks that others have laid over ours. */
  #imply(): void {
    this.#isImplying = true
    try {
      this.#res.writeHead(this.#res.statusCode)
    } finally {
      this.#isImplying = false
    }
    if (this.#course.isOpen) this.#course.takeHead()
    if (!this.#course.isHolding) replace(this.#res, { writeHead: this.#below.writeHead }) // Node implies it again: hooks over ours have run
  }

  #flushHeaders(): void {
    const { held, isOpen } = this.#course
    if (isOpen) this.#imply()
    if (!this.#course.isHolding) return this.#below.flushHeaders.call(this.#res)
    held.flushed = true
    if (isOpen) held.explicit = true
  }

  #write(chunk: unknown, encoding: unknown, callback: unknown): boolean {
    const course = this.#course
    if (this.#isEnding || course.held.isSending) return this.#below.write.call(this.#res, chunk, encoding, callback)
    if (course.isOpen) this.#imply()
    if (course.isHolding) {
      const done = typeof encoding === 'function' ? encoding : callback
      return course.isEnded ? course.refuse(done) : course.keep(chunk, encoding, done)
    }
    const more = this.#below.write.call(this.#res, chunk, encoding, callback)
    if (course.isTeeing) course.copy(chunk, encoding)
    return more || course.isTeeing // while all of it is kept anyway, a slow client keeps nobody from making it
  }

  #end(chunk: unknown, encoding: unknown, callback: unknown): ServerResponse {
    const course = this.#course
    if (course.isOpen) {
      course.held.whole = true
      this.#imply()
    }
    if (course.isHolding) return this.#endHeld(chunk, encoding, callback)
    const ended = this.#endBelow(chunk, encoding, callback)
    if (course.isTeeing) course.copy(chunk, encoding)
    if (course.isTeeing) course.complete()
    return ended
  }

  #endBelow(chunk: unknown, encoding: unknown, callback: unknown): ServerResponse {
    this.#isEnding = true
    try {
      return this.#below.end.call(this.#res, chunk, encoding, callback)
    } finally {
      this.#isEnding = false
    }
  }

  #endHeld(first: unknown, second: unknown, third: unknown): ServerResponse {
    const course = this.#course
    const chunk = typeof first === 'function' ? undefined : first
    const callback = [first, second, third].find((each) => typeof each === 'function')
    if (course.isEnded) {
      if (chunk) course.refuse(callback)
      else course.held.onFinish(callback)
      return this.#res
    }
    if (chunk) course.keep(chunk, second)
    if (!course.isHolding) return this.#below.end.call(this.#res, callback) // a tee without a client has let go of what is too large
    course.held.end(callback)
    course.complete()
    return this.#res
  }
}

function headersSent(): Error {
  const error = new Error('Cannot write headers after they are sent to the client')
  return Object.assign(error, { code: 'ERR_HTTP_HEADERS_SENT' })
}
