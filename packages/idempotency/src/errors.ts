/** What a run's `signal` is aborted with when it has lost its lease: another may run, and what this one gives is not kept then. */
export class RunLostError extends Error {
  override readonly name = 'RunLostError'
  readonly code = 'ERR_HOLDFAST_RUN_LOST'

  readonly key: string
  readonly fence: number

  constructor(key: string, fence: number) {
    super(
      `The run of key "${abridged(key)}" (fence ${fence}) lost its lease: its process stood still, the adapter failed for leaseMs, or the key was freed`,
    )
    this.key = key
    this.fence = fence
  }
}

/** A key has been run, and what came of it cannot be given again: it was larger than `maxBytes` or than what the adapter has room for, or could not be encoded. */
export class UnreplayableError extends Error {
  override readonly name = 'UnreplayableError'
  readonly code = 'ERR_HOLDFAST_UNREPLAYABLE'

  readonly key: string

  constructor(key: string, why: 'too-large' | 'unreplayable') {
    const reason = why === 'too-large' ? 'is larger than maxBytes, or than what the adapter has room for' : 'could not be encoded'
    super(`Key "${abridged(key)}" was run, but its value ${reason}: it is not run again, unless cancel(key) frees it`)
    this.key = key
  }
}

function abridged(key: string): string {
  return key.length <= 80 ? key : `${key.slice(0, 80)}…`
}
