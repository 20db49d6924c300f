/** No session can be had, as the adapter fails. Express and Koa answer it with 503 and `Retry-After`. */
export class SessionUnavailableError extends Error {
  override readonly name = 'SessionUnavailableError'
  readonly code = 'ERR_HOLDFAST_SESSION_UNAVAILABLE'
  readonly status = 503
  readonly expose = false
  readonly headers: { readonly 'Retry-After': string }

  /** The cause names the key, which is the session id: it is not in the message, which an app may show. */
  constructor(cause: Error & { readonly code?: unknown }) {
    super(`The session store cannot reach its sessions (${String(cause.code)}): see its cause`, { cause })
    const ms = 'retryAfterMs' in cause && typeof cause.retryAfterMs === 'number' ? cause.retryAfterMs : 0
    this.headers = { 'Retry-After': String(Math.max(1, Math.ceil(ms / 1_000))) }
  }
}

/** With `onConflict: 'reject'`: another request has written the session since this one read it. */
export class SessionConflictError extends Error {
  override readonly name = 'SessionConflictError'
  readonly code = 'ERR_HOLDFAST_SESSION_CONFLICT'
  readonly status = 409

  constructor(message = 'Another request has written the session meanwhile: read it again') {
    super(message)
  }
}

/** With `onMax: 'reject'`: the user has as many sessions as `maxPerUser` allows. */
export class SessionLimitError extends Error {
  override readonly name = 'SessionLimitError'
  readonly code = 'ERR_HOLDFAST_SESSION_LIMIT'
  readonly status = 403

  constructor(max: number) {
    super(`The user has ${max} sessions already: log out of one of them first`)
  }
}

/** The session is larger than `maxBytes`. */
export class SessionTooLargeError extends Error {
  override readonly name = 'SessionTooLargeError'
  readonly code = 'ERR_HOLDFAST_SESSION_TOO_LARGE'

  constructor(bytes: number, maxBytes: number) {
    super(`The session has ${bytes} bytes, more than maxBytes, ${maxBytes}: keep in it what names data, not the data`)
  }
}
