import { type Readable, Transform, type TransformCallback } from 'node:stream'
import type { Captured } from '../captured.ts'
import { bytesOf, type Kept } from '../node/capture/kept.ts'

/** What streams keep in any case. */
const SOME_BYTES = 16_384

/** Passes a body on, chunk by chunk, and keeps a copy; as fast as it is made, for as much as is kept. */
export class CopyingStream extends Transform {
  readonly copied: Promise<Captured['outcome']>
  readonly #kept: Kept
  readonly #length: number | undefined
  #isKeeping = true
  #settle: (outcome: Captured['outcome']) => void = () => {}

  /** @param length How many bytes the response says that its body has */
  constructor(kept: Kept, length: number | undefined) {
    super({ readableHighWaterMark: Math.max(SOME_BYTES, Math.min(kept.maxBytes, Number.MAX_SAFE_INTEGER)) })
    this.#kept = kept
    this.#length = length
    this.copied = new Promise((resolve) => {
      this.#settle = resolve
    })
  }

  /** @param isAnswered Whether the framework listens for errors of the source itself, as Koa 2 does */
  copy(source: Readable, isAnswered: boolean): void {
    source.once('error', (error) => this.destroy(isAnswered ? undefined : error))
    source.once('close', () => {
      if (!source.readableEnded) this.destroy()
    })
    this.once('close', () => source.destroy())
    source.pipe(this)
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, callback: TransformCallback): void {
    if (this.#isKeeping) this.#keep(chunk)
    callback(null, chunk)
  }

  override _flush(callback: TransformCallback): void {
    const isWhole = this.#length === undefined || this.#length === this.#kept.size
    if (this.#isKeeping) this.#settle(isWhole ? 'complete' : 'cut')
    callback()
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#settle('cut') // unless it has ended already
    callback(error)
  }

  #keep(chunk: Buffer): void {
    if (this.#kept.fits(chunk.length)) return this.#kept.add(bytesOf(chunk, undefined))
    this.#isKeeping = false
    this.#kept.drop()
    this.#settle('too-large')
  }
}
