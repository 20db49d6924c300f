import type { Socket } from 'node:net'
import { Readable } from 'node:stream'
import type { Context } from 'koa'
import type { BodyForm, Captured, HoldOptions, ResponseHead, TeeOptions } from '../captured.ts'
import { Capture } from '../node/capture/capture.ts'
import { completeOf, type TakenHead, takenFrom } from '../node/capture/complete.ts'
import { addDate } from '../node/capture/head.ts'
import { Kept } from '../node/capture/kept.ts'
import { lengthOf } from '../node/capture/length.ts'
import { onClosed, whenClosed } from '../node/closed.ts'
import { bodyOf, leaveJson, replaceBody } from './body.ts'
import { collect, keptChunks } from './collect.ts'
import { CopyingStream } from './copying-stream.ts'
import { MessageHead } from './message-head.ts'

/**
 * Sees a response where Koa has it, in `ctx`, before the middlewares in front of this one change it; and where later handlers write to
 * Node's response themselves (`ctx.respond = false`, `ctx.flushHeaders()`, `ctx.onerror`), sees it there.
 */
export class KoaCapture {
  readonly #ctx: Context
  readonly #socket: Socket
  readonly #options: HoldOptions & Partial<TeeOptions>
  readonly #goOn: (handlers: Promise<void> | undefined) => void
  readonly #node: Capture
  /** Resolves when a response that is held was written to Node's own, and ended: who waits for its `finish` has to be let go. */
  readonly #ended: Promise<'written'>
  /** Later handlers that have ended their response, and go on. */
  #handlers: Promise<void> | undefined
  #held: 'complete' | 'cut' | undefined
  #hasResponse = false

  constructor(ctx: Context, options: HoldOptions & Partial<TeeOptions>, goOn: (handlers: Promise<void> | undefined) => void) {
    this.#ctx = ctx
    this.#socket = ctx.req.socket
    this.#options = options
    this.#goOn = goOn
    this.#node = new Capture(ctx.req, ctx.res, options)
    this.#ended = new Promise((resolve) => {
      this.#node.captured.then(
        () => this.#node.isHolding && resolve('written'),
        () => {}, // where later handlers fail, their error is what counts
      )
    })
  }

  get head(): ResponseHead {
    return this.#node.head
  }

  /** Whether later handlers have made a response, and not failed. */
  get hasResponse(): boolean {
    return this.#hasResponse
  }

  get isHolding(): boolean {
    return this.#held !== undefined || this.#node.isHolding
  }

  /** Whether what is held was written to Node's response. */
  get isWritten(): boolean {
    return this.#node.isHolding
  }

  /** @throws what later handlers throw */
  async run(next: () => Promise<void>): Promise<Captured> {
    try {
      const handlers = next()
      if ((await Promise.race([handlers, this.#ended])) === 'written') this.#leave(handlers)
      const captured = await (!this.#node.isOpen || this.#ctx.respond === false ? this.#written() : this.#inContext())
      this.#hasResponse = true
      return captured
    } catch (error) {
      this.stop()
      throw error
    }
  }

  release(): void {
    const held = this.#held
    this.#held = undefined
    if (held === 'cut') this.#breakOff()
    else if (held === undefined) this.#node.release()
    this.goOn()
  }

  /** Lets the middlewares in front do their part, once the later handlers have done theirs. */
  goOn(): void {
    this.#goOn(this.#handlers)
  }

  /** Forgets what is held. */
  stop(): void {
    this.#held = undefined
    this.#node.stop()
  }

  /** What handlers throw after their response has ended is for the middlewares in front. */
  #leave(handlers: Promise<void>): void {
    this.#handlers = handlers
    handlers.catch(() => {})
  }

  /** Koa may still have to write the body that belongs to a head. A stream of the handler's own keeps no middleware in front waiting. */
  #written(): Promise<Captured> {
    const isOwn = this.#ctx.respond === false
    this.#hasResponse = true
    if (!this.#node.isEnded && (!isOwn || this.#options.onHead !== undefined)) this.#passOn()
    return this.#node.captured
  }

  async #inContext(): Promise<Captured> {
    const body = bodyOf(this.#ctx)
    addDate(this.#ctx.res)
    const head = takenFrom('bytes' in body && body.form === 'none' ? new MessageHead(this.#ctx.res) : this.head)
    const mode = this.#ask(head.head)
    if (mode === 'pass') return this.#out('passed')
    const kept = new Kept(this.#options.maxBytes)
    if ('bytes' in body) {
      if (!kept.fits(body.bytes.length)) {
        if (mode === 'hold' && body.form === 'json') leaveJson(this.#ctx, body.bytes.toString())
        return this.#tooLarge(mode, head.head)
      }
      kept.add(body.bytes)
      this.#options.onWhole?.()
      return this.#complete(mode, head, kept, body.form)
    }
    const stream = body.stream()
    if (mode === 'tee' && !this.#socket.destroyed) return this.#copy(stream, head, kept)
    return this.#collect(mode, stream, head, kept)
  }

  #ask(head: ResponseHead): 'tee' | 'hold' | 'pass' {
    try {
      return this.#node.ask(head)
    } catch (error) {
      this.#letGo()
      throw error
    }
  }

  async #copy(stream: Readable, head: TakenHead, kept: Kept): Promise<Captured> {
    const copying = new CopyingStream(kept, lengthOf(this.#ctx.res))
    replaceBody(this.#ctx, copying)
    copying.copy(stream, copying.listenerCount('error') > 0)
    onClosed(this.#socket, this.#ctx.res, () => copying.destroy()) // an error of what the stream is made of does not end it
    this.#letGo()
    const outcome = await copying.copied
    if (outcome === 'complete') return completeOf(head, kept)
    if (outcome === 'too-large') {
      this.#options.onDropped?.()
      await whenClosed(this.#socket, this.#ctx.res)
    }
    return { outcome }
  }

  async #collect(mode: 'tee' | 'hold', stream: Readable, head: TakenHead, kept: Kept): Promise<Captured> {
    const length = lengthOf(this.#ctx.res)
    const collected = await Promise.race([collect(stream, kept), this.#ended])
    if (collected === 'written') return this.#node.captured // Koa has answered an error of what the stream is made of
    switch (collected.state) {
      case 'whole':
        if (length !== undefined && length !== kept.size) return this.#cut(mode)
        replaceBody(this.#ctx, Readable.from(keptChunks(kept), { objectMode: false }))
        return this.#complete(mode, head, kept)
      case 'more':
        replaceBody(this.#ctx, Readable.from(collected.rest, { objectMode: false }))
        return this.#tooLarge(mode, head.head)
      case 'broken':
        return this.#broken(mode, collected.error)
    }
  }

  /** Koa answers the error of a stream: Koa 2 has done so by now, Koa 3 does while it sends it. */
  #broken(mode: 'tee' | 'hold', error: unknown): Promise<Captured> | Captured {
    if (this.#node.isOpen && error instanceof Error && !isPrematureClose(error)) this.#ctx.onerror(error)
    return this.#node.isOpen ? this.#cut(mode) : this.#node.captured
  }

  #complete(mode: 'tee' | 'hold', head: TakenHead, kept: Kept, form?: BodyForm): Captured {
    if (mode === 'tee') this.#letGo()
    else {
      this.#node.stop()
      this.#held = 'complete'
      if (form === 'json') leaveJson(this.#ctx, kept.whole.toString())
    }
    return completeOf(head, kept, form)
  }

  #cut(mode: 'tee' | 'hold'): Captured {
    this.#node.stop()
    if (mode === 'hold') this.#held = 'cut'
    else this.#breakOff()
    return { outcome: 'cut' }
  }

  async #tooLarge(mode: 'tee' | 'hold', head: ResponseHead): Promise<Captured> {
    this.#options.onDropped?.()
    try {
      if (mode === 'hold') await this.#options.onTooLarge?.(head)
    } catch (error) {
      this.#letGo()
      throw error
    }
    return this.#out('too-large')
  }

  async #out(outcome: 'too-large' | 'passed'): Promise<Captured> {
    this.#letGo()
    await whenClosed(this.#socket, this.#ctx.res)
    return { outcome }
  }

  /** Leaves the response to Koa, unseen from here on. */
  #letGo(): void {
    this.#node.stop()
    this.#passOn()
  }

  #passOn(): void {
    this.#hasResponse = true
    this.goOn()
  }

  #breakOff(): void {
    this.#ctx.respond = false
    this.#ctx.res.destroy()
    this.goOn()
  }
}

function isPrematureClose(error: Error): boolean {
  return Reflect.get(error, 'code') === 'ERR_STREAM_PREMATURE_CLOSE'
}
