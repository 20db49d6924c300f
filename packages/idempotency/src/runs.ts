import { type Adapter, isAdapterError, isClosedError, mayHaveRun } from '@holdfast/adapter'
import { type Alarms, inboxOf, newToken, returnsOf, startHeartbeat } from '@holdfast/adapter/lease'
import { RunLostError } from './errors.ts'
import { announceFailure, type IdempotencyFailureEvent } from './events.ts'
import { type BeginResult, begin } from './operations/begin.ts'
import { cancel } from './operations/cancel.ts'
import { type CommitArgs, type CommitResult, commit } from './operations/commit.ts'
import { NO_BYTES, type Outcome } from './operations/record.ts'
import { renew } from './operations/renew.ts'

export interface RunsOptions {
  readonly adapter: Adapter
  readonly name: string
  /** How long a run's lease lasts, which is renewed while it lives: what a killed process costs. */
  readonly leaseMs: number
  /** How long what came of a run is kept. */
  readonly retentionMs: number
  /** How long a run is waited for that another has begun. */
  readonly waitMs: number
  /** How long a run goes on being renewed that nobody waits for any more. */
  readonly abandonedMs: number
  /** The monotonic clock, for tests. */
  readonly alarms?: Alarms
}

/** What is run: under which key of the adapter, and as events name it. */
export interface Subject {
  readonly subject: string
  readonly key: string
  readonly fingerprint: string
}

/** One run that has begun. Its lease is renewed until it is committed or cancelled. */
export interface Run {
  readonly attempt: number
  /** Greater than that of any run of this key before. */
  readonly fence: number
  /** Aborted with a `RunLostError` when the lease is lost, or the run has failed. */
  readonly signal: AbortSignal
  /**
   * Keeps what came of it; `'too-large'` of what the adapter has no room for. Never rejects because the adapter fails: it tries again
   * then, for as long as the lease may stand.
   */
  commit(outcome: Outcome, bytes: Uint8Array): Promise<Committed>
  /** Frees the key for the next. False when it was not this run's any more, or the adapter fails: then it is freed as soon as it can be. */
  cancel(): Promise<boolean>
  /** Aborts `signal`: its key is freed because it failed, and what of it is still at work may meet the next. */
  fail(): void
  /** Nobody waits for it any more: its lease is renewed for `abandonedMs` from now. */
  abandon(): void
}

export type Begun = { readonly state: 'begun'; readonly run: Run } | Exclude<BeginResult, { readonly state: 'begun' }>

/** `'failed'`: the adapter has; whoever has the answer gives it, and a retry may run again. */
export type Committed = CommitResult | { readonly state: 'failed' }

export interface Runs {
  /**
   * Begins a run, or says why not; waits for one that is going on, for `waitMs` at the most, or until the adapter is closed.
   *
   * @param signal Ends the wait
   * @throws {AdapterError} when the adapter fails; but not while it is known that another runs
   */
  begin(subject: Subject, signal?: AbortSignal): Promise<Begun>
  /** Frees a key, whatever is known of it. A run that is going on loses it. */
  free(subject: string): Promise<boolean>
}

/** How often one who waits looks again by itself, in case that a message was lost. */
const POLL_MS = 1_000

export function createRuns({ adapter, name, leaseMs, retentionMs, waitMs, abandonedMs, alarms }: RunsOptions): Runs {
  const keepMs = Math.max(leaseMs, retentionMs)
  const now = alarms?.now ?? monotonic
  const clock = alarms === undefined ? {} : { alarms }
  const inbox = inboxOf(adapter)

  /** Frees a key of a run that nobody makes, if it has begun. */
  function giveBack(subject: string, token: string): void {
    returnsOf(adapter).owe(() => adapter.run(cancel, subject, { token, keepMs: retentionMs, wake: subject }), leaseMs)
  }

  function start(
    { subject, key, fingerprint }: Subject,
    named: { token: string; attempt: number; fence: number },
    since: number,
  ): Run {
    const args = { ...named, fingerprint, keepMs }
    const { token, attempt, fence } = named
    let abandonedAt = Number.POSITIVE_INFINITY
    let unkept: CommitArgs | undefined
    const heartbeat = startHeartbeat({ leaseMs, since, renew: goOn, lost: () => new RunLostError(key, fence), ...clock })

    async function goOn(): Promise<boolean> {
      if (unkept !== undefined) {
        ended(await adapter.run(commit, subject, unkept))
        return false
      }
      if (now() - abandonedAt >= abandonedMs) heartbeat.rest() // this renewal is the last
      return adapter.run(renew, subject, { ...args, leaseMs })
    }

    function ended(committed: CommitResult): CommitResult {
      heartbeat.stop()
      if (committed.state !== 'committed') failed('lost', new RunLostError(key, fence))
      return committed
    }

    function failed(call: IdempotencyFailureEvent['call'], error: unknown): void {
      announceFailure({ name, key, call, error })
    }

    async function commitAs(outcome: Outcome, bytes: Uint8Array): Promise<Committed> {
      const held = heartbeat.isHeld()
      const ending = { ...args, keepMs: retentionMs, outcome, bytes, held, wake: subject }
      try {
        return ended(await adapter.run(commit, subject, ending))
      } catch (error) {
        if (!isAdapterError(error)) {
          heartbeat.stop()
          throw error
        }
        failed('commit', error)
        if (error.code === 'ERR_HOLDFAST_ADAPTER_FULL' && bytes.length > 0) return commitAs('too-large', NO_BYTES) // there is room for a mark
        unkept = ending
        return { state: 'failed' }
      }
    }

    return {
      attempt,
      fence,
      get signal() {
        return heartbeat.signal
      },

      commit: commitAs,

      async cancel() {
        heartbeat.stop()
        try {
          return await adapter.run(cancel, subject, { token, keepMs: retentionMs, wake: subject })
        } catch (error) {
          if (!isAdapterError(error)) throw error
          failed('cancel', error)
          giveBack(subject, token)
          return false
        }
      },

      fail: () => heartbeat.lose(),

      abandon() {
        abandonedAt = Math.min(abandonedAt, now())
      },
    }
  }

  return {
    async begin(what, signal) {
      const { subject, fingerprint } = what
      const token = newToken()
      const listening = waitMs > 0 ? inbox.listen(subject) : undefined
      let giveUpAt = now() + waitMs
      let running: Extract<BeginResult, { state: 'in-progress' }> | undefined
      let isUnsure = false

      async function ask(): Promise<BeginResult> {
        const address = listening === undefined ? '' : inbox.address
        try {
          return await adapter.run(begin, subject, { token, fingerprint, leaseMs, keepMs, address })
        } catch (error) {
          isUnsure ||= mayHaveRun(error)
          if (running === undefined || !isAdapterError(error)) throw error
          if (isClosedError(error)) giveUpAt = now()
          return running
        }
      }

      try {
        for (;;) {
          const since = now()
          const asked = await ask()
          if (asked.state === 'begun') {
            if (now() - since >= leaseMs) continue // its lease is over already, or is another's
            isUnsure = false
            return { state: 'begun', run: start(what, { token, attempt: asked.attempt, fence: asked.fence }, since) }
          }
          const leftMs = giveUpAt - now()
          if (asked.state !== 'in-progress' || listening === undefined || leftMs <= 0 || signal?.aborted) return asked
          running = asked
          await listening.wait(Math.min(POLL_MS, asked.retryInMs, leftMs), { signal, ...clock })
        }
      } finally {
        listening?.stop()
        if (isUnsure) giveBack(subject, token)
      }
    },

    free: (subject) => adapter.run(cancel, subject, { token: '', keepMs: retentionMs, wake: subject }),
  }
}

function monotonic(): number {
  return performance.now()
}
