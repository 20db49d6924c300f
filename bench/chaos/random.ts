/** Numbers that a seed decides. */
export interface Random {
  /** A whole number, from `least` to `most`. */
  whole(least: number, most: number): number
  oneOf<T>(elements: readonly T[]): T
  chance(part: number): boolean
}

/** By mulberry32: what a run is given again is what it was given before. */
export function randomBy(seed: number): Random {
  let state = seed >>> 0

  function next(): number {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  function whole(least: number, most: number): number {
    return least + Math.floor(next() * (most - least + 1))
  }

  return {
    whole,
    oneOf<T>(elements: readonly T[]): T {
      const element = elements[whole(0, elements.length - 1)]
      if (element === undefined) throw new RangeError('There is nothing to choose from')
      return element
    },
    chance: (part) => next() < part,
  }
}
