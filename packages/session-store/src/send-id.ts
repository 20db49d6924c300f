/** What of Koa's context a session's id is sent by. */
export interface Sender {
  readonly cookies: object
  readonly sessionOptions?: object | undefined
  readonly headerSent?: boolean
}

/** How cookies are set, and which of koa-session's, by name and id, are not: the client has been sent theirs. */
interface Sending {
  readonly set: (name: unknown, value: unknown, options: unknown) => void
  readonly sent: Set<string>
}

const SENDING: unique symbol = Symbol('sending')

/** A weak map would have every request outlive many collections of the heap. */
interface Cookies {
  [SENDING]?: Sending
}

/**
 * Sends the id that a session has now. koa-session itself would send the one that the client came with, and only once the store has
 * answered: if an app answers meanwhile, that throws, and ends the process.
 *
 * @param from By which koa-session knows the session
 */
export function sendId(sender: Sender, from: string, to: string): void {
  const sending = sendingOf(sender)
  if (sending === undefined) return
  const options = optionsOf(sender)
  const { key, maxAge } = options
  if (typeof maxAge !== 'number') options['maxAge'] = undefined
  sending.set(key, to, options)
  sending.sent.add(cookieOf(key, from))
}

/**
 * Leaves the cookie as the client has it: koa-session would make it last as long as that of a new session.
 *
 * @param id By which koa-session knows the session
 */
export function keepId(sender: Sender, id: string): void {
  sendingOf(sender)?.sent.add(cookieOf(optionsOf(sender)['key'], id))
}

function optionsOf({ sessionOptions = {} }: Sender): Record<string, unknown> {
  return { ...sessionOptions }
}

function sendingOf({ cookies, sessionOptions, headerSent }: Sender): Sending | undefined {
  if (headerSent === true || sessionOptions === undefined || Reflect.get(sessionOptions, 'externalKey') !== undefined)
    return undefined
  return takenOver(cookies)
}

function takenOver(cookies: Cookies): Sending | undefined {
  if (cookies[SENDING] !== undefined) return cookies[SENDING]
  const original: unknown = Reflect.get(cookies, 'set')
  if (typeof original !== 'function') return undefined
  const sending: Sending = { set: (...args) => void Reflect.apply(original, cookies, args), sent: new Set() }
  Reflect.set(cookies, 'set', (...args: Parameters<Sending['set']>) => {
    if (!sending.sent.has(cookieOf(args[0], args[1]))) sending.set(...args)
    return cookies
  })
  cookies[SENDING] = sending
  return sending
}

function cookieOf(name: unknown, id: unknown): string {
  return `${String(name)}=${String(id)}`
}
