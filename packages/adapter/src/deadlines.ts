/** Something that ends. `due`, when it is looked at, is never later than `endsAt`; `at` is its place in the heap. */
export interface Ending {
  endsAt: number
  due: number
  at: number
}

/**
 * The order in which things end: a binary heap, without a timer.
 *
 * A thing whose end moves further away keeps its place and is put back when its turn comes, so that renewing costs nothing.
 */
export class Deadlines<T extends Ending> {
  readonly #heap: T[] = []

  add(ending: T): void {
    ending.due = ending.endsAt
    this.#rise(ending, this.#heap.length)
  }

  /** Its end has changed. */
  moved(ending: T): void {
    if (ending.endsAt >= ending.due) return
    ending.due = ending.endsAt
    this.#rise(ending, ending.at)
  }

  remove(ending: T): void {
    const last = this.#heap.pop()
    if (last === undefined || last === ending) return
    if (last.due < ending.due) this.#rise(last, ending.at)
    else this.#sink(last, ending.at)
  }

  /** What is due first. */
  first(): T | undefined {
    return this.#heap[0]
  }

  /** What is due first, if it is due by `now`. */
  next(now: number): T | undefined {
    const first = this.#heap[0]
    return first !== undefined && first.due <= now ? first : undefined
  }

  /** It has not ended yet: its turn comes again at its end. */
  postpone(ending: T): void {
    ending.due = ending.endsAt
    this.#sink(ending, ending.at)
  }

  #rise(ending: T, from: number): void {
    let at = from
    while (at > 0) {
      const parentAt = (at - 1) >> 1
      const parent = this.#heap[parentAt]
      if (parent === undefined || parent.due <= ending.due) break
      this.#put(parent, at)
      at = parentAt
    }
    this.#put(ending, at)
  }

  #sink(ending: T, from: number): void {
    let at = from
    for (;;) {
      const leftAt = 2 * at + 1
      const left = this.#heap[leftAt]
      const right = this.#heap[leftAt + 1]
      const child = left !== undefined && right !== undefined && right.due < left.due ? right : left
      if (child === undefined || child.due >= ending.due) break
      const childAt = child.at
      this.#put(child, at)
      at = childAt
    }
    this.#put(ending, at)
  }

  #put(ending: T, at: number): void {
    this.#heap[at] = ending
    ending.at = at
  }
}
