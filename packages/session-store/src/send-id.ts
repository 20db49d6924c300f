/** What of Koa's context a session's id is sent by. */
export interface Sender {
  readonly cookies: object
  readonly sessionOptions?: object | undefined
  readonly headerSent?: boolean
}

/** How cookies are set, and for which ids koa-session has none left to set. */
interface Sending {
  readonly set: (name: unknown, value: unknown, options: unknown) => void
  readonly sent: Set<unknown>
}

const sendings = new WeakMap<object, Sending>()

/**
 * Sends the id that a session has now. koa-session itself would send the one that the client came with, and only once the store has
 * answered: if an app answers meanwhile, that throws, and ends the process.
 *
 * @param from By which koa-session knows the session
 */
export function sendId({ cookies, sessionOptions, headerSent }: Sender, from: string, to: string): void {
  if (headerSent === true || sessionOptions === undefined || Reflect.get(sessionOptions, 'externalKey') !== undefined) return
  const { key, maxAge, ...options } = Object.fromEntries(Object.entries(sessionOptions))
  const sending = sendings.get(cookies) ?? takeOver(cookies, key)
  if (sending === undefined) return
  const lasts = typeof maxAge === 'number' ? { maxAge } : {}
  sending.set(key, to, { ...options, ...lasts })
  sending.sent.add(from)
}

function takeOver(cookies: object, cookie: unknown): Sending | undefined {
  const original: unknown = Reflect.get(cookies, 'set')
  if (typeof original !== 'function') return undefined
  const sending: Sending = { set: (...args) => void Reflect.apply(original, cookies, args), sent: new Set() }
  Reflect.set(cookies, 'set', (...args: Parameters<Sending['set']>) => {
    if (args[0] !== cookie || !sending.sent.has(args[1])) sending.set(...args)
    return cookies
  })
  sendings.set(cookies, sending)
  return sending
}
