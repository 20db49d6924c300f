/** Something that waits until a moment on the monotonic clock. `over` once it no longer does. */
export interface Deadline {
  readonly over: boolean
  /** In milliseconds of `performance.now()`. */
  readonly at: number
  /** Called when the moment has come and it is not over. */
  expire(): void
}

/**
 * Deadlines, all the same time away when they are added, so that they come in the order in which they were added: one timer
 * serves them all, and one that is over in time costs none.
 *
 * The timer does not keep the process alive: the socket that an answer is awaited on does.
 */
export class Deadlines {
  readonly #timeoutMs: number
  #queue: Deadline[] = []
  #head = 0
  #timer: NodeJS.Timeout | undefined

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs
  }

  add(deadline: Deadline): void {
    this.#dropWhatIsOver()
    this.#queue.push(deadline)
    if (this.#timer === undefined) this.#wait(this.#timeoutMs)
  }

  #wait(ms: number): void {
    // Where this process was held up itself, an answer may be here already: it is read before the deadlines are looked at.
    this.#timer = setTimeout(() => setImmediate(() => this.#expire()), ms)
    this.#timer.unref()
  }

  #expire(): void {
    this.#timer = undefined
    const now = performance.now()
    this.#dropWhatIsOver()
    for (let next = this.#queue[this.#head]; next !== undefined && next.at <= now; next = this.#queue[this.#head]) {
      this.#head += 1
      if (!next.over) next.expire()
      this.#dropWhatIsOver()
    }
    const next = this.#queue[this.#head]
    if (next !== undefined) this.#wait(Math.ceil(next.at - now))
  }

  #dropWhatIsOver(): void {
    while (this.#queue[this.#head]?.over) this.#head += 1
    if (this.#head === this.#queue.length) {
      this.#queue = []
      this.#head = 0
    } else if (this.#head >= 1_024) {
      this.#queue.splice(0, this.#head)
      this.#head = 0
    }
  }
}
