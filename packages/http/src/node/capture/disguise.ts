import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { isMarked, mark, unmark } from './mark.ts'

/** Fields of Node's that it and middlewares (express-session, morgan, on-finished) look at. */
interface Fields {
  _closed: boolean
  destroyed: boolean
  socket: Socket | null
}

function fieldsOf(res: ServerResponse): Fields {
  return res as unknown as Fields
}

/**
 * What a held response looks like to later handlers: like Node's own one that is written but waits for its turn in the pipe.
 *
 * Node's `finished` is left alone, `server.close()` breaks off connections whose response has it; `writableEnded` says the same.
 */
export class Disguise {
  readonly #res: ServerResponse
  #isMarked = false
  #isOrphan = false
  #isDestroyed = false

  constructor(res: ServerResponse) {
    this.#res = res
  }

  get isOrphan(): boolean {
    return this.#isOrphan
  }

  /** From here on `headersSent` is true, and `setHeader` and its like throw. */
  headSent(): void {
    this.#isMarked = true
    mark(this.#res)
  }

  ended(): void {
    Object.defineProperty(this.#res, 'writableEnded', { value: true, configurable: true })
  }

  /** `pipe` looks at this before it begins. */
  full(): void {
    Object.defineProperty(this.#res, 'writableNeedDrain', { value: true, configurable: true })
  }

  destroyed(): void {
    this.#isDestroyed = true
    this.headSent()
    fieldsOf(this.#res).destroyed = true
  }

  /** A response whose client has left looks open: pipelines, `sendFile` and Koa would give up on it, and not end it. */
  orphan(): void {
    this.#isOrphan = true
    openOrphan(this.#res)
  }

  /** Node closes a response that waits in the pipe some time after its client has left. */
  stayOpen(): void {
    assign(this.#res, OPEN)
  }

  /** Of captures over each other each takes off what it has put on: one further in front may hold the response still. */
  off(): void {
    if (this.#isMarked && isMarked(this.#res)) {
      unmark(this.#res)
      Reflect.deleteProperty(this.#res, 'writableEnded')
      Reflect.deleteProperty(this.#res, 'writableNeedDrain')
    }
    if (this.#isOrphan) closeOrphan(this.#res)
    else if (this.#isDestroyed) fieldsOf(this.#res).destroyed = false
    this.#isMarked = false
    this.#isOrphan = false
    this.#isDestroyed = false
  }
}

/** Sets what there is: over HTTP/2 `socket` is a getter, which gives nothing of a closed stream. */
function assign(res: ServerResponse, fields: object): void {
  for (const [name, value] of Object.entries(fields)) Reflect.set(res, name, value)
}

const OPEN = { _closed: false, destroyed: false, socket: null }

interface Orphan {
  readonly real: Pick<Fields, '_closed' | 'destroyed' | 'socket'>
  captures: number
}

const orphans = new WeakMap<ServerResponse, Orphan>()

function openOrphan(res: ServerResponse): void {
  const known = orphans.get(res)
  if (known !== undefined) {
    known.captures++
    return
  }
  const fields = fieldsOf(res)
  const { _closed, destroyed, socket } = fields
  orphans.set(res, { real: { _closed, destroyed, socket }, captures: 1 })
  assign(res, OPEN)
}

function closeOrphan(res: ServerResponse): void {
  const orphan = orphans.get(res)
  if (orphan === undefined || --orphan.captures > 0) return
  orphans.delete(res)
  assign(res, orphan.real)
}
