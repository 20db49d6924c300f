/**
 * The next fencing token of a subject: greater than the one before it, and than any that was given before the state was lost, as
 * long as the clock has not been set back meanwhile.
 *
 * @param stored The token before it, or 0
 * @param now Milliseconds since the epoch
 */
export function nextFence(stored: number, now: number): number {
  return Math.max(stored + 1, now * 1_000)
}

/**
 * The same in Lua: `next_fence(stored)`, a number, and `exact(number)`, which formats one to be stored and returned, as 14 digits,
 * all that `..` and `tostring` keep, are too few.
 *
 * By Redis' own clock it counts on in microseconds, so that a FLUSHALL between two steps of one millisecond is survived as well.
 */
export const fenceLua: string = `
  local micros
  local function next_fence(stored)
    if not micros and injected then micros = now * 1000 end
    if not micros then
      local time = redis.call('TIME')
      micros = time[1] * 1000000 + time[2]
    end
    return math.max(stored + 1, micros)
  end
  local function exact(number)
    return string.format('%.0f', number)
  end
`
