import { type AdapterError, isAdapterError, subjectKey } from '@holdfast/adapter'
import { checkedString, checkKnown, shown } from '@holdfast/adapter/options'
import { structuredCodec } from './codec.ts'
import { digest } from './digest.ts'
import { UnreplayableError } from './errors.ts'
import { announce, announceFailure } from './events.ts'
import { NO_BYTES } from './operations/record.ts'
import { checkedShared, type IdempotencyOptions, SHARED_OPTIONS } from './options.ts'
import { type Committed, createRuns, type Run } from './runs.ts'

/** What a function that runs is told. */
export interface RunContext {
  readonly key: string
  /** 1 at first; 2 and more when the runs before it died, failed or were freed. */
  readonly attempt: number
  /** Greater than that of any run of this key before: let what it works on refuse a smaller one. Undefined where nothing protects it. */
  readonly fence: number | undefined
  /**
   * Aborted with a `RunLostError` when another may begin: the run has lost its lease, or its function has thrown, and something that it
   * called is still at work.
   */
  readonly signal: AbortSignal
}

export type RunResult<Value> =
  | {
      readonly state: 'completed'
      readonly value: Value
      /** Whether it is what an earlier run gave. */
      readonly replayed: boolean
    }
  /** Another run is going on; its lease ends then, if it is not renewed. */
  | { readonly state: 'in-progress'; readonly retryAfterMs: number }
  /** The key was used with another fingerprint. */
  | { readonly state: 'mismatch' }

export interface Idempotency {
  /**
   * Runs `fn`, unless its key was run already: then it gives what came of that.
   *
   * Two commands, and one more for every third of `leaseMs` that it takes; one where it does not run. When `fn` throws, its
   * `signal` is aborted and the key is free again. An `fn` that never ends keeps its key for as long as the process lives.
   *
   * @param fingerprint Of what is asked for: the same key with another one is a mismatch
   * @throws what `fn` throws
   * @throws {UnreplayableError} when it was run, and its value was larger than `maxBytes` or could not be encoded
   * @throws {AdapterError} when the adapter fails, and `failure` is `'closed'`
   */
  run<Value>(key: string, fingerprint: string, fn: (context: RunContext) => Promise<Value> | Value): Promise<RunResult<Value>>
  /**
   * Frees a key: the next run with it runs, whatever came of those before. One that is going on loses its lease.
   *
   * @returns Whether there was something to free
   * @throws {AdapterError} when the adapter fails
   */
  cancel(key: string): Promise<boolean>
}

/**
 * Runs a thing once for a key, however often it is asked for: for queues, webhooks and whatever else is retried.
 *
 * @throws {TypeError | RangeError} when an option is missing, unknown or out of range
 */
export function createIdempotency(options: IdempotencyOptions): Idempotency {
  checkKnown('createIdempotency', options, [...SHARED_OPTIONS, 'codec'])
  const { codec = structuredCodec } = options
  if (typeof codec?.encode !== 'function' || typeof codec.decode !== 'function') {
    throw new TypeError('codec must have encode and decode')
  }
  const settings = checkedShared(options)
  const { name, maxBytes, failure } = settings
  const runs = createRuns({ ...settings, abandonedMs: Number.POSITIVE_INFINITY })

  function subjectOf(key: string): string {
    if (typeof key !== 'string' || key === '') throw new TypeError(`key must be a string that is not empty, got ${shown(key)}`)
    return subjectKey('idempotency-run', name, key)
  }

  async function unprotected<Value>(key: string, error: AdapterError, fn: (context: RunContext) => Promise<Value> | Value) {
    announceFailure({ name, key, call: 'begin', error })
    announce(name, key, failure)
    if (failure === 'closed') throw error
    const value = await fn({ key, attempt: 1, fence: undefined, signal: new AbortController().signal })
    return { state: 'completed', value, replayed: false } as const
  }

  /** What is kept of a value. */
  function kept(key: string, value: unknown): { outcome: 'answer' | 'too-large' | 'unreplayable'; bytes: Uint8Array } {
    try {
      const bytes = codec.encode(value)
      if (!ArrayBuffer.isView(bytes)) throw new TypeError(`codec.encode must return bytes, got ${shown(bytes)}`)
      return bytes.byteLength <= maxBytes ? { outcome: 'answer', bytes } : { outcome: 'too-large', bytes: NO_BYTES }
    } catch (error) {
      announceFailure({ name, key, call: 'encode', error })
      return { outcome: 'unreplayable', bytes: NO_BYTES }
    }
  }

  async function made<Value>(key: string, run: Run, fn: (context: RunContext) => Promise<Value> | Value): Promise<Value> {
    const { attempt, fence } = run
    try {
      return await fn({
        key,
        attempt,
        fence,
        get signal() {
          return run.signal
        },
      })
    } catch (error) {
      run.fail()
      await run.cancel()
      throw error
    }
  }

  /** What stands in place of a run's own value, where another has begun meanwhile. */
  function replayed<Value>(key: string, { outcome, bytes }: Extract<Committed, { state: 'ended' }>): RunResult<Value> {
    if (outcome !== 'answer') {
      const why = outcome === 'too-large' ? outcome : 'unreplayable'
      announce(name, key, why)
      throw new UnreplayableError(key, why)
    }
    announce(name, key, 'replay')
    try {
      const value = codec.decode(bytes) as Value // as it was encoded under this key
      return { state: 'completed', value, replayed: true }
    } catch (error) {
      announceFailure({ name, key, call: 'decode', error })
      throw error
    }
  }

  return {
    async run(key, fingerprint, fn) {
      const subject = subjectOf(key)
      checkedString('fingerprint', fingerprint)
      if (typeof fn !== 'function') throw new TypeError(`fn must be a function, got ${shown(fn)}`)
      const what = { subject, key, fingerprint: digest(fingerprint) }
      const begun = await runs.begin(what).catch((error: unknown) => {
        if (isAdapterError(error)) return { state: 'failed', error } as const
        throw error
      })
      if (begun.state === 'failed') return unprotected(key, begun.error, fn)
      if (begun.state === 'ended') return replayed(key, begun)
      if (begun.state !== 'begun') {
        announce(name, key, begun.state)
        return begun.state === 'mismatch' ? begun : { state: 'in-progress', retryAfterMs: begun.retryInMs }
      }
      announce(name, key, 'run')
      const value = await made(key, begun.run, fn)
      const { outcome, bytes } = kept(key, value)
      const committed = await begun.run.commit(outcome, bytes)
      if (committed.state === 'ended') return replayed(key, committed)
      if (committed.state === 'in-progress') return { state: 'in-progress', retryAfterMs: committed.retryInMs }
      return { state: 'completed', value, replayed: false }
    },

    async cancel(key) {
      return runs.free(subjectOf(key))
    },
  }
}
