/** Both frameworks make text of a session, which with some thousand levels in it overflows the stack. */
const MOST_LEVELS = 1_000

/**
 * Looks only at a session that is large enough to be nested so deeply.
 *
 * @param text The session as it was stored
 * @throws {TypeError} when the session is nested too deeply
 */
export function checkDepth(session: object, text: string): void {
  if (text.length > 2 * MOST_LEVELS) checkLevels(session, MOST_LEVELS)
}

function checkLevels(value: object, left: number): void {
  if (left === 0) throw new TypeError(`It is nested more than ${MOST_LEVELS} levels deep`)
  const values: unknown[] = Object.values(value)
  for (const each of values) if (typeof each === 'object' && each !== null) checkLevels(each, left - 1)
}
