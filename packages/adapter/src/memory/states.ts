import { Deadlines, type Ending } from '../deadlines.ts'
import { AdapterFullError } from '../errors.ts'

/** The state behind one key, and when it ends. */
export interface Entry extends Ending {
  readonly key: string
  kind: 'hash' | 'string'
  state: unknown
  /** What it counts towards `maxBytes`: flat fields are small, their number is bounded. */
  bytes: number
}

type Saved = Pick<Entry, 'kind' | 'state' | 'bytes' | 'endsAt'>

/** A bounded map of states. What has ended makes room for what comes; nothing else is ever dropped. */
export class States {
  readonly #entries = new Map<string, Entry>()
  readonly #deadlines = new Deadlines<Entry>()
  readonly #maxStates: number
  readonly #maxBytes: number
  #bytes = 0
  /** One for all that find no room until something goes: under a flood a stack trace for each would cost more than the step. */
  #full: AdapterFullError | undefined

  constructor(maxStates: number, maxBytes: number) {
    this.#maxStates = maxStates
    this.#maxBytes = maxBytes
  }

  /** The state behind `key` that has not ended by `now`. */
  find(key: string, now: number): Entry | undefined {
    const entry = this.#entries.get(key)
    return entry === undefined || entry.endsAt <= now ? undefined : entry
  }

  /** @throws {AdapterFullError} when there is no room, and nothing has ended by `now` */
  save(key: string, { kind, state, bytes, endsAt }: Saved, now: number): void {
    this.#sweep(now, 2)
    const entry = this.#entries.get(key)
    this.#makeRoom(now, entry === undefined ? 1 : 0, bytes - (entry?.bytes ?? 0))
    if (entry === undefined || !this.#entries.has(key)) {
      const created = { key, kind, state, bytes, endsAt, due: endsAt, at: 0 }
      this.#entries.set(key, created)
      this.#deadlines.add(created)
      this.#bytes += bytes
      return
    }
    this.#bytes += bytes - entry.bytes
    entry.kind = kind
    entry.state = state
    entry.bytes = bytes
    entry.endsAt = endsAt
    this.#deadlines.moved(entry)
  }

  delete(key: string): void {
    const entry = this.#entries.get(key)
    if (entry !== undefined) this.#remove(entry)
  }

  *keys(now: number): Generator<string> {
    for (const { key, endsAt } of this.#entries.values()) if (endsAt > now) yield key
  }

  #makeRoom(now: number, states: number, bytes: number): void {
    if (this.#fits(states, bytes)) return
    this.#sweep(now, Number.POSITIVE_INFINITY)
    if (this.#fits(states, bytes)) return
    this.#full ??= new AdapterFullError(
      `The memory adapter is full: ${this.#entries.size} states of ${this.#maxStates} (maxStates), ${this.#bytes} bytes of ${this.#maxBytes} (maxBytes)`,
    )
    throw this.#full
  }

  #fits(states: number, bytes: number): boolean {
    return this.#entries.size + states <= this.#maxStates && (bytes <= 0 || this.#bytes + bytes <= this.#maxBytes)
  }

  /** Looks at up to `most` states whose turn has come: a few with each step, so that no step pays for all. */
  #sweep(now: number, most: number): void {
    for (let seen = 0; seen < most; seen += 1) {
      const entry = this.#deadlines.next(now)
      if (entry === undefined) return
      if (entry.endsAt <= now) this.#remove(entry)
      else this.#deadlines.postpone(entry)
    }
  }

  #remove(entry: Entry): void {
    this.#entries.delete(entry.key)
    this.#deadlines.remove(entry)
    this.#bytes -= entry.bytes
    this.#full = undefined
  }
}
