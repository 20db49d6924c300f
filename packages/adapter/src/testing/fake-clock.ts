/** A clock that stands still until it is told otherwise. Its functions need no `this`. */
export interface FakeClock {
  readonly now: () => number
  /** Moves the clock on; a negative number steps it back. */
  readonly advance: (ms: number) => void
  readonly set: (ms: number) => void
}

/** @param start Milliseconds since the epoch. Defaults to 0. */
export function fakeClock(start = 0): FakeClock {
  let time = start
  return {
    now: () => time,
    advance: (ms) => {
      time += ms
    },
    set: (ms) => {
      time = ms
    },
  }
}
