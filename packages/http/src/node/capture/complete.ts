import type { BodyForm, CompleteResponse, ResponseHead } from '../../captured.ts'
import type { Kept } from './kept.ts'

/** A head as it was when it came. */
export interface TakenHead {
  readonly head: ResponseHead
  readonly status: number
  readonly reason: string | undefined
  readonly rawHeaders: readonly string[]
}

export function takenFrom(head: ResponseHead): TakenHead {
  return { head, status: head.status, reason: head.reason, rawHeaders: head.rawHeaders }
}

export function completeOf(
  { head, status, reason, rawHeaders }: TakenHead,
  kept: Kept,
  form: BodyForm = 'bytes',
): CompleteResponse {
  return {
    outcome: 'complete',
    status,
    reason,
    rawHeaders,
    form,
    head,
    get body() {
      return kept.whole
    },
  }
}
