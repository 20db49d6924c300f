/**
 * The lease has ended before it was given back: another may hold the lock. `lock.signal` is aborted with it.
 *
 * Recognise it by its code, not by `instanceof`: an app may hold two copies of this package.
 */
export class LockLostError extends Error {
  override readonly name = 'LockLostError'
  readonly code = 'ERR_HOLDFAST_LOCK_LOST'
  readonly key: string
  readonly fence: number

  constructor(key: string, fence: number) {
    super(
      `Lock ${shownKey(key)} was lost before it was released (fence ${fence}): its lease could not be renewed in time, or Redis has forgotten it`,
    )
    this.key = key
    this.fence = fence
  }
}

/** The lock was not free within `waitMs`. */
export class LockTimeoutError extends Error {
  override readonly name = 'LockTimeoutError'
  readonly code = 'ERR_HOLDFAST_LOCK_TIMEOUT'
  readonly key: string
  /** How long it was waited for. */
  readonly waitMs: number
  /** In how many milliseconds the lease that is in the way ends, if it is neither renewed nor given back. */
  readonly retryAfterMs: number

  constructor(key: string, waitMs: number, retryAfterMs: number) {
    super(`Lock ${shownKey(key)} was not free within ${waitMs} ms: others hold it or wait for it; wait longer, or try again`)
    this.key = key
    this.waitMs = waitMs
    this.retryAfterMs = retryAfterMs
  }
}

/** A key as messages show it: on one line, and not too long. */
function shownKey(key: string): string {
  return JSON.stringify(key.length <= 80 ? key : `${key.slice(0, 80)}…`)
}
