import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import type { Exchange, HttpResponse } from '../exchange.ts'
import { respond } from './respond.ts'

/** What a framework on node:http knows better than the bare request. */
export interface RequestRules<Native> {
  url(native: Native): string
  ip(native: Native): string | undefined
}

export class NodeExchange<Native extends IncomingMessage> implements Exchange<Native> {
  readonly native: Native
  readonly #res: ServerResponse
  readonly #rules: RequestRules<Native>
  #answered = false

  constructor(native: Native, res: ServerResponse, rules: RequestRules<Native>) {
    this.native = native
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

  get ip(): string | undefined {
    return this.#rules.ip(this.native)
  }

  get aborted(): boolean {
    return this.native.socket.destroyed
  }

  /** Whether `respond` was called. */
  get answered(): boolean {
    return this.#answered
  }

  setHeader(name: string, value: string): void {
    if (!this.#res.headersSent) this.#res.setHeader(name, value)
  }

  respond(response: HttpResponse): void {
    if (!this.aborted) respond(this.native, this.#res, response)
    this.#answered = true
  }
}
