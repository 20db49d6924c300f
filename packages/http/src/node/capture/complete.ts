import type { CompleteResponse, ResponseHead } from '../../captured.ts'
import type { Kept } from './kept.ts'

/** A head as it was when it came. */
export interface TakenHead {
  readonly head: ResponseHead
  readonly status: number
  readonly rawHeaders: readonly string[]
}

export function takenFrom(head: ResponseHead): TakenHead {
  return { head, status: head.status, rawHeaders: head.rawHeaders }
}

export function completeOf({ head, status, rawHeaders }: TakenHead, kept: Kept): CompleteResponse {
  return {
    outcome: 'complete',
    status,
    rawHeaders,
    head,
    get body() {
      return kept.whole
    },
  }
}
