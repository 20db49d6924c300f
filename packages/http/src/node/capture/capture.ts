import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Captured, CaptureMode, HoldOptions, ResponseHead, TeeOptions } from '../../captured.ts'
import { onClosed } from '../closed.ts'
import { current, type Methods, putBack, replace } from './below.ts'
import { Calls, type Course } from './calls.ts'
import { completeOf, type TakenHead, takenFrom } from './complete.ts'
import { isClosedByUs, isPipedInto, onStopped } from './departure.ts'
import { Disguise } from './disguise.ts'
import { type Drains, drainsOf } from './drains.ts'
import { addDate, Head, hasBody } from './head.ts'
import { Held } from './held.ts'
import { bytesOf, Kept, sizeOf } from './kept.ts'
import { lengthOf } from './length.ts'
import type { State } from './state.ts'

/** Sees one response. `State` says how. */
export class Capture implements Course {
  readonly captured: Promise<Captured>
  readonly head: ResponseHead
  readonly #req: IncomingMessage
  readonly #socket: Socket
  readonly #res: ServerResponse
  readonly #options: HoldOptions & Partial<TeeOptions>
  readonly #below: Methods
  readonly #ours: Methods
  readonly #kept: Kept
  readonly held: Held
  readonly #disguise: Disguise
  #drains: Drains | undefined
  #state: State = 'open'
  #mode: CaptureMode | undefined
  #taken: TakenHead | undefined
  #last: Captured = { outcome: 'passed' }
  #destroyed: { readonly error: Error | undefined } | undefined
  #resolve: (captured: Captured) => void = () => {}
  #reject: (error: unknown) => void = () => {}

  constructor(req: IncomingMessage, res: ServerResponse, options: HoldOptions & Partial<TeeOptions>) {
    this.#req = req
    this.#socket = req.socket
    this.#res = res
    this.#options = options
    this.head = new Head(res)
    this.#kept = new Kept(options.maxBytes)
    this.held = new Held(res, this.#kept)
    this.#disguise = new Disguise(res)
    this.captured = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    this.#below = current(res)
    this.#ours = new Calls(res, this.#below, this).methods
    if (res.headersSent || res.writableEnded) this.#state = 'passing'
    else replace(res, this.#ours)
    onClosed(this.#socket, res, () => this.#closed())
  }

  /** Whether no head of a response has come by here. */
  get isOpen(): boolean {
    return this.#state === 'open'
  }

  get isTeeing(): boolean {
    return this.#state === 'teeing'
  }

  get isEnded(): boolean {
    return this.#state === 'held' || this.#state === 'over' || this.held.ended
  }

  /** Whether a response is kept from its client. */
  get isHolding(): boolean {
    return this.#state === 'holding' || this.#state === 'waiting' || this.#state === 'held'
  }

  /** Sends what is held, and whatever comes after it. */
  release(): void {
    switch (this.#state) {
      case 'open':
        if (this.#options.onHead === undefined) this.#pass({ outcome: 'passed' })
        return
      case 'holding':
      case 'waiting':
        return this.#stream(this.#last)
      case 'held':
        this.#disguise.off()
        this.#state = 'over'
        if (this.#last.outcome !== 'cut') this.held.send(this.#below, this.#isGone)
        else this.held.callBack(true)
        replace(this.#res, this.#below)
        if (this.#destroyed !== undefined || this.#last.outcome === 'cut')
          this.#below.destroy.call(this.#res, this.#destroyed?.error)
        return
      case 'teeing':
      case 'passing':
      case 'over':
        return
    }
  }

  /** Ends the capture, and forgets what is held: the response is as it was, but for the headers that are set. */
  stop(): void {
    if (this.#state === 'passing' || this.#state === 'over') return
    if (this.#state === 'teeing') return this.#cut()
    if (this.#state === 'open') putBack(this.#res, this.#ours, this.#below)
    else replace(this.#res, this.#below)
    this.#disguise.off()
    this.#state = 'over'
    this.held.callBack(this.#isGone)
    this.#kept.drop()
  }

  /** Ends the capture, which could not begin. */
  fail(error: unknown): void {
    this.stop()
    this.#reject(error)
  }

  /** Asks what to do with a response whose head is about to be sent. */
  ask(head: ResponseHead): CaptureMode {
    return this.#options.onHead === undefined ? 'hold' : this.#options.onHead(head)
  }

  /** Whether it is Node that destroys a response which waits in the pipe, because the client has left: since Node 24. */
  get #isGivenUp(): boolean {
    return this.#isGone && this.#res.socket === null && !this.#disguise.isOrphan
  }

  get #isGone(): boolean {
    return this.#socket.destroyed
  }

  takeHead(): void {
    addDate(this.#res)
    this.#taken = takenFrom(this.head)
    const mode = this.#decide()
    this.#mode = mode
    this.held.keepLine()
    this.held.hasBody = hasBody(this.#req.method, this.#res.statusCode)
    this.held.length = this.held.hasBody ? lengthOf(this.#res) : undefined
    if (mode === 'pass') return this.#pass({ outcome: 'passed' })
    if (mode === 'tee' && !this.#disguise.isOrphan) {
      this.#state = 'teeing'
      return
    }
    this.#state = 'holding'
    this.#disguise.headSent()
  }

  #decide(): CaptureMode {
    try {
      return this.ask(this.head)
    } catch (error) {
      this.#reject(error)
      return 'pass'
    }
  }

  /** The head could not be sent. */
  reopen(): void {
    if (this.#state === 'teeing') this.#state = 'open'
  }

  /** Fails a write after the end. */
  refuse(callback: unknown): false {
    return this.held.refuse(callback, this.#isGone)
  }

  /** Keeps a chunk that goes to nobody yet. */
  keep(chunk: unknown, encoding: unknown, callback?: unknown): boolean {
    const fits = this.held.write(chunk, encoding, callback)
    if (!fits && this.#state === 'holding') this.#overflow()
    return fits
  }

  /** Keeps a copy of a chunk that has gone to the client. */
  copy(chunk: unknown, encoding: unknown): void {
    const size = this.held.hasBody ? sizeOf(chunk, encoding) : 0
    if (size === 0) return
    if (this.#kept.fits(size)) return this.#kept.add(bytesOf(chunk, encoding))
    this.#kept.drop()
    this.#pass({ outcome: 'too-large' })
    this.#options.onDropped?.()
  }

  #overflow(): void {
    this.#state = 'waiting'
    this.#last = { outcome: 'too-large' }
    this.#options.onDropped?.()
    if (this.#mode !== 'hold') return this.#stream(this.#last)
    this.#disguise.full()
    this.#drains = drainsOf(this.#res)
    this.#tell().catch(this.#reject)
  }

  async #tell(): Promise<void> {
    try {
      await this.#options.onTooLarge?.(this.head)
    } finally {
      if (this.#state === 'waiting') this.#stream(this.#last)
    }
  }

  /** Sends what is held, and lets the rest go to the client as it comes. */
  #stream(last: Captured): void {
    const drains = this.#drains
    drains?.stop()
    this.#disguise.off()
    const isOpen = this.held.send(this.#below, this.#isGone)
    this.#kept.drop()
    this.#pass(last)
    if (this.#destroyed !== undefined) this.#below.destroy.call(this.#res, this.#destroyed.error)
    else if (drains !== undefined && isOpen && !this.held.ended) process.nextTick(drains.tell)
  }

  #pass(last: Captured): void {
    this.#disguise.off()
    this.#state = 'passing'
    this.#last = last
    putBack(this.#res, this.#ours, this.#below)
    if (this.#isGone) this.#settle(last)
  }

  /** A later handler has ended the response. */
  complete(): void {
    if (this.isHolding) this.#disguise.ended()
    if (this.#state !== 'teeing' && this.#state !== 'holding') return
    if (!this.held.isWhole) return this.#cut()
    this.#stopAt(completeOf(this.#taken ?? takenFrom(this.head), this.#kept))
  }

  #cut(): void {
    if (this.#state !== 'open' && this.#state !== 'teeing' && this.#state !== 'holding') return
    this.#kept.drop()
    this.#stopAt({ outcome: 'cut' })
  }

  /** What is teed is out already; what is held waits for its release, but for a tee without a client. */
  #stopAt(last: Captured): void {
    const isTeed = this.#state === 'teeing'
    if (isTeed) this.#pass(last)
    else {
      this.#last = last
      this.#state = 'held'
      if (this.#options.onHead !== undefined && this.#mode !== 'hold') this.release()
    }
    this.#settle(last)
  }

  #settle(last: Captured): void {
    if (this.#state === 'passing') this.#state = 'over'
    this.#resolve(last)
  }

  destroy(error: Error | undefined): ServerResponse {
    if (this.#isGivenUp) {
      this.#below.destroy.call(this.#res, error)
      this.#closed()
      return this.#res
    }
    const isHeld = this.isHolding || (this.#state === 'open' && (this.#disguise.isOrphan || this.#options.onHead === undefined))
    if (!isHeld) {
      this.#cut()
      return this.#below.destroy.call(this.#res, error)
    }
    if (this.#destroyed !== undefined) return this.#res
    this.#destroyed = { error }
    this.#disguise.destroyed()
    this.#cut()
    return this.#res
  }

  /** The response is out, or its client has left. */
  #closed(): void {
    switch (this.#state) {
      case 'passing':
        return this.#settle(this.#last)
      case 'teeing':
        return this.#cut()
      case 'holding':
        if (isPipedInto(this.#res) || isClosedByUs(this.#socket, this.#res)) return this.#cut()
        return this.#orphan()
      case 'open':
        if (!this.#res.writableFinished) return isPipedInto(this.#res) ? this.#cut() : this.#orphan()
        this.#pass({ outcome: 'passed' })
        return this.#settle(this.#last)
      case 'waiting':
      case 'held':
      case 'over':
        return
    }
  }

  #orphan(): void {
    if (this.#disguise.isOrphan) return this.#disguise.stayOpen()
    this.#disguise.orphan()
    onStopped(this.#res, this.#socket, () => this.#cut())
  }
}
