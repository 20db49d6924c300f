/** The bytes of a body, up to a limit. */
export class Kept {
  readonly maxBytes: number
  #chunks: Buffer[] = []
  #size = 0

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes
  }

  get size(): number {
    return this.#size
  }

  get chunks(): readonly Buffer[] {
    return this.#chunks
  }

  /** All of it in one piece, joined at most once. */
  get whole(): Buffer {
    const [first, second] = this.#chunks
    if (first === undefined) return Buffer.alloc(0)
    if (second === undefined) return first
    const whole = Buffer.concat(this.#chunks, this.#size)
    this.#chunks = [whole]
    return whole
  }

  fits(bytes: number): boolean {
    return this.#size + bytes <= this.maxBytes
  }

  add(chunk: Buffer): void {
    if (chunk.length === 0) return
    this.#chunks.push(chunk)
    this.#size += chunk.length
  }

  drop(): void {
    this.#chunks = []
  }
}

/** What a response's `write` takes, with its encoding. */
export function sizeOf(chunk: unknown, encoding: unknown): number {
  if (typeof chunk === 'string') return Buffer.byteLength(chunk, encodingOf(encoding))
  return chunk instanceof Uint8Array ? chunk.byteLength : 0
}

/** A copy: once it is written, a handler may use its buffer for something else. */
export function bytesOf(chunk: unknown, encoding: unknown): Buffer {
  if (typeof chunk === 'string') return Buffer.from(chunk, encodingOf(encoding))
  if (chunk instanceof Uint8Array) return Buffer.from(chunk)
  throw Object.assign(new TypeError('The "chunk" argument must be of type string or an instance of Buffer or Uint8Array'), {
    code: chunk === null ? 'ERR_STREAM_NULL_VALUES' : 'ERR_INVALID_ARG_TYPE',
  })
}

function encodingOf(encoding: unknown): BufferEncoding {
  return typeof encoding === 'string' && Buffer.isEncoding(encoding) ? encoding : 'utf8'
}
