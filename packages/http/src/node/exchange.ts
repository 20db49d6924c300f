import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Captured, HoldOptions, TeeOptions } from '../captured.ts'
import type { Exchange, HttpResponse } from '../exchange.ts'
import { again } from './again.ts'
import { Capture } from './capture/capture.ts'
import { onClosed, whenClosed } from './closed.ts'
import { onEnded } from './ended.ts'
import { restore, type Snapshot, snapshotOf } from './header-list.ts'
import { respond } from './respond.ts'
import { hasContent, hostOf } from './version.ts'

/** What a framework on node:http knows better than the bare request. */
export interface RequestRules<Native> {
  url(native: Native): string
  ip(native: Native): string | undefined
}

export class NodeExchange<Native extends IncomingMessage> implements Exchange<Native> {
  readonly native: Native
  readonly #socket: Socket
  readonly #res: ServerResponse
  readonly #rules: RequestRules<Native>
  #answered = false
  #capture: Capture | undefined
  #before: Snapshot | undefined

  constructor(native: Native, res: ServerResponse, rules: RequestRules<Native>) {
    this.native = native
    this.#socket = native.socket
    this.#res = res
    this.#rules = rules
  }

  get method(): string {
    return this.native.method ?? 'GET'
  }

  get url(): string {
    return this.#rules.url(this.native)
  }

  get headers(): IncomingHttpHeaders {
    return this.native.headers
  }

  get host(): string {
    return hostOf(this.native)
  }

  get hasContent(): boolean {
    return hasContent(this.native)
  }

  get ip(): string | undefined {
    return this.#rules.ip(this.native)
  }

  get aborted(): boolean {
    return this.#socket.destroyed
  }

  get status(): number | undefined {
    return this.#res.headersSent ? this.#res.statusCode : undefined
  }

  /** Whether `respond` was called. */
  get answered(): boolean {
    return this.#answered
  }

  onClose(listener: () => void): void {
    onClosed(this.#socket, this.#res, listener)
  }

  setHeader(name: string, value: string): void {
    if (this.#capture?.isHolding) this.#capture.head.setHeader(name, value)
    else if (!this.#res.headersSent) this.#res.setHeader(name, value)
  }

  respond(response: HttpResponse): void {
    if (this.#capture?.isHolding) {
      this.#capture.stop()
      if (this.#before !== undefined) restore(this.#res, this.#before)
    }
    if (!(this.aborted && this.#res.headersSent)) respond(this.native, this.#res, response)
    this.#answered = true
  }

  outlast(next: () => Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      onEnded(this.#socket, this.#res, resolve)
      next().catch(reject)
    })
  }

  hold(next: () => Promise<void>, options: HoldOptions): Promise<Captured> {
    return this.#captured(next, options)
  }

  tee(next: () => Promise<void>, options: TeeOptions): Promise<Captured> {
    return this.#captured(next, options)
  }

  async again(next: () => Promise<void>, options: TeeOptions): Promise<Captured> {
    await whenClosed(this.#socket, this.#res)
    return again(this.native, this.#res, next, options)
  }

  release(): void {
    this.#capture?.release()
  }

  #captured(next: () => Promise<void>, options: HoldOptions & Partial<TeeOptions>): Promise<Captured> {
    this.#before = snapshotOf(this.#res)
    const capture = new Capture(this.native, this.#res, options)
    this.#capture = capture
    next().catch((error: unknown) => capture.fail(error))
    return capture.captured
  }
}
