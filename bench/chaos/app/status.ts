import { isAdapterError } from '@holdfast/adapter'

/** As an app answers errors: what it can't have now by 503, what another has by 409. What is a bug is a 500. */
export function statusOf(error: unknown): number {
  if (!(error instanceof Error)) return 500
  if (isAdapterError(error)) return 503
  if ('code' in error && (error.code === 'ERR_HOLDFAST_LOCK_TIMEOUT' || error.code === 'ERR_HOLDFAST_LOCK_LOST')) return 409
  return 'status' in error ? Number(error.status) : 500
}
