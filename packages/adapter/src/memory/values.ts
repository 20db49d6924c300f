import { LRUCache } from 'lru-cache'

interface Value {
  readonly bytes: Uint8Array
  readonly endsAt: number
}

/** What an entry takes beside its key and its bytes, roughly. */
const OVERHEAD_BYTES = 128

/** Values within `maxBytes`: the least recently used goes first. */
export class Values {
  readonly #cache: LRUCache<string, Value>

  constructor(maxBytes: number) {
    this.#cache = new LRUCache({
      maxSize: maxBytes,
      sizeCalculation: ({ bytes }, key) => bytes.byteLength + 2 * key.length + OVERHEAD_BYTES,
    })
  }

  has(key: string, now: number): boolean {
    if (this.#cache.size === 0) return false
    const value = this.#cache.peek(key)
    return value !== undefined && value.endsAt > now
  }

  *keys(now: number): Generator<string> {
    for (const [key, { endsAt }] of this.#cache.entries()) if (endsAt > now) yield key
  }

  /** A copy: nobody can change what others read. */
  get(key: string, now: number): Uint8Array | undefined {
    const value = this.#cache.get(key)
    if (value === undefined) return undefined
    if (value.endsAt > now) return Buffer.from(value.bytes)
    this.#cache.delete(key)
    return undefined
  }

  set(key: string, bytes: Uint8Array, endsAt: number): void {
    this.#cache.set(key, { bytes: Buffer.from(bytes), endsAt })
  }

  delete(key: string): void {
    this.#cache.delete(key)
  }
}
