import type { CompleteResponse, ResponseHead } from '../../captured.ts'
import type { Kept } from './kept.ts'

export function completeOf(head: ResponseHead, kept: Kept): CompleteResponse {
  return {
    outcome: 'complete',
    head,
    get body() {
      return kept.whole
    },
  }
}
