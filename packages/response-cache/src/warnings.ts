import type { Refusal } from './rfc/storable.ts'

/** Where somebody reads warnings: `NODE_ENV` is `development`, or not set. */
export function isDevelopment(): boolean {
  const { NODE_ENV: environment } = process.env
  return environment === undefined || environment === 'development'
}

const told = new Set<string>()
const MOST_TOLD = 1_000

const WHAT: Readonly<Partial<Record<Refusal, string>>> = {
  'cookie-read': 'the Cookie field',
  'authorization-read': 'the Authorization field',
  'session-read': 'the session',
  'user-read': 'the user',
}

/** Says once for each line of code that it keeps responses from being stored, and what can be done. */
export function warnOfReads(
  reads: { readonly all: ReadonlyMap<Refusal, string> },
  refusal: Refusal | undefined,
  key: string,
): void {
  const what = refusal && WHAT[refusal]
  const where = refusal && reads.all.get(refusal)
  if (what === undefined || where === undefined) return
  warnOnce(
    where,
    `The response to ${key} is not stored, because ${what} of the request was read, ${where}. If it is the same for everybody, say ` +
      "so by Cache-Control: public; if it differs, put what it depends on into Vary or the middleware's key",
  )
}

/** Says once for each line of code that it reads what a stored response may depend on, though nothing says so. */
export function warnOfFields(read: ReadonlyMap<string, string>, names: readonly string[], key: string): void {
  for (const [name, where] of read) {
    if (names.includes(name)) continue
    warnOnce(
      where,
      `The response to ${key} is stored for everybody, and ${name} of the request was read, ${where}. If it depends on it, say so by ` +
        "Vary, the middleware's vary or its key",
    )
  }
}

function warnOnce(where: string, message: string): void {
  if (told.has(where) || told.size >= MOST_TOLD) return
  told.add(where)
  process.emitWarning(message, { type: 'HoldfastWarning', code: 'HOLDFAST_RESPONSE_CACHE' })
}
