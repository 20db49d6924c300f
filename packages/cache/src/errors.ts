/** A loader took longer than `hardTimeoutMs`, and there was no stale value to give in its place. */
export class LoadTimeoutError extends Error {
  override readonly name = 'LoadTimeoutError'
  readonly code = 'ERR_HOLDFAST_LOAD_TIMEOUT'

  readonly key: string

  constructor(cache: string, key: string, timeoutMs: number) {
    super(`The loader of "${abridged(key)}" in cache "${cache}" took longer than hardTimeoutMs (${timeoutMs} ms)`)
    this.key = key
  }
}

/** A loader asked, directly or by way of others, for the key that it loads. */
export class RecursiveLoadError extends Error {
  override readonly name = 'RecursiveLoadError'
  readonly code = 'ERR_HOLDFAST_RECURSIVE_LOAD'

  readonly key: string

  constructor(cache: string, key: string) {
    super(`The loader of "${abridged(key)}" in cache "${cache}" asks for that same key: it would wait for itself`)
    this.key = key
  }
}

/** What a failed load tells those who wait for it in other processes. */
export interface FailedLoad {
  readonly name: string
  readonly message: string
  readonly code?: string | number
}

/** The error of a loader in another process: it has the name, the message and the code of the error there. */
export class RemoteLoadError extends Error {
  override readonly name: string
  readonly code: string | number

  constructor({ name, message, code = 'ERR_HOLDFAST_REMOTE_LOAD' }: FailedLoad) {
    super(message)
    this.name = name
    this.code = code
  }
}

const LONGEST_MESSAGE = 1_000

/** What can be told of whatever a loader has thrown. */
export function failedLoad(error: unknown): FailedLoad {
  try {
    if (!(error instanceof Error)) return { name: 'Error', message: String(error).slice(0, LONGEST_MESSAGE) }
    const { name, message, code }: Record<'name' | 'message', unknown> & { readonly code?: unknown } = error
    const isCode = typeof code === 'string' || typeof code === 'number'
    return { name: String(name), message: String(message).slice(0, LONGEST_MESSAGE), ...(isCode && { code }) }
  } catch {
    return { name: 'Error', message: 'The loader has thrown what is no text' } // an object without a prototype, say
  }
}

function abridged(key: string): string {
  return key.length <= 80 ? key : `${key.slice(0, 80)}…`
}
