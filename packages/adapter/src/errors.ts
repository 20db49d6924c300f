/**
 * The adapter could not do what it was asked: the operator must act, the client did nothing wrong.
 *
 * Recognise it by `isAdapterError`, not by `instanceof`: an app may hold two copies of this package.
 */
export class AdapterError extends Error {
  override readonly name: string = 'AdapterError'
  readonly code: string = 'ERR_HOLDFAST_ADAPTER'
}

/** No answer within `timeoutMs`. The step may have run: do not repeat it blindly. */
export class AdapterTimeoutError extends AdapterError {
  override readonly name = 'AdapterTimeoutError'
  override readonly code = 'ERR_HOLDFAST_ADAPTER_TIMEOUT'
}

/** Redis cannot be reached, or refuses to work; `cause` says why. */
export class AdapterUnavailableError extends AdapterError {
  override readonly name = 'AdapterUnavailableError'
  override readonly code = 'ERR_HOLDFAST_ADAPTER_UNAVAILABLE'
  /** In how many milliseconds the adapter tries again, where it knows: until then it fails without asking Redis. */
  readonly retryAfterMs: number | undefined
  /** Whether the adapter was closed: it never works again. */
  readonly isClosed: boolean

  constructor(
    message: string,
    { retryAfterMs, isClosed = false, ...options }: ErrorOptions & { retryAfterMs?: number; isClosed?: boolean } = {},
  ) {
    super(message, options)
    this.retryAfterMs = retryAfterMs
    this.isClosed = isClosed
  }
}

/** The memory adapter holds as much state as it may. State decides, so it is never evicted. */
export class AdapterFullError extends AdapterError {
  override readonly name = 'AdapterFullError'
  override readonly code = 'ERR_HOLDFAST_ADAPTER_FULL'
}

/** The key holds something of another kind: a value where a state was asked for, or the other way round. */
export class AdapterWrongTypeError extends AdapterError {
  override readonly name = 'AdapterWrongTypeError'
  override readonly code = 'ERR_HOLDFAST_ADAPTER_WRONG_TYPE'

  constructor(key: string, options?: ErrorOptions) {
    super(`Key "${abridged(key)}" holds something of another kind: give values and states keys of their own`, options)
  }
}

/** An operation broke the rules for operations; it is a bug in the operation, so no failure policy hides it. */
export class OperationError extends Error {
  override readonly name = 'OperationError'
  readonly code = 'ERR_HOLDFAST_OPERATION'
}

/** Whether the adapter failed, in whichever copy of this package the error was made. */
export function isAdapterError(error: unknown): error is AdapterError {
  return typeof error === 'object' && error !== null && 'code' in error && String(error.code).startsWith(ADAPTER_CODE)
}

/** Whether the adapter failed since it was closed: waiting for it is in vain. */
export function isClosedError(error: unknown): boolean {
  return isAdapterError(error) && 'isClosed' in error && error.isClosed === true
}

/** Whether a step may have run whose call failed with this: its reply was not waited for, or was lost. */
export function mayHaveRun(error: unknown): boolean {
  if (!isAdapterError(error) || isClosedError(error)) return false
  if (error.code === `${ADAPTER_CODE}_TIMEOUT`) return true
  return error.code === `${ADAPTER_CODE}_UNAVAILABLE` && 'retryAfterMs' in error && error.retryAfterMs === undefined
}

/** Whether nothing was heard of Redis: it did not answer in time, or was not asked, as it had not before. */
export function isSilence(error: AdapterError): boolean {
  if (error.code === `${ADAPTER_CODE}_TIMEOUT`) return true
  return 'retryAfterMs' in error && error.retryAfterMs !== undefined
}

/** A key as messages show it: printable, and at most some 80 characters. */
export function abridged(key: string): string {
  const printable = key.replace(/[^\x20-\x7e]/g, '?')
  return printable.length <= 80 ? printable : `${printable.slice(0, 80)}…`
}

const ADAPTER_CODE = 'ERR_HOLDFAST_ADAPTER'
