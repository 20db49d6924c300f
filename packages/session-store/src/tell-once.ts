import { isObject } from './merge.ts'
import { createNotes } from './notes.ts'
import type { Callback } from './settled.ts'

const told = createNotes<true>()

/**
 * Tells a request only once that its session could not be stored.
 *
 * express-session tries again at the end of a request what could not be stored before, and hands an error to `next`. The error handlers
 * of the app have run then, for the first one: Express' own would close the connection, behind an answer that is whole.
 */
export function tellOnce<T>(session: object, callback: Callback<T> | undefined): Callback<T> | undefined {
  const req: unknown = Reflect.get(session, 'req')
  if (typeof callback !== 'function' || !isObject(req)) return callback
  return (error, value) => {
    if (!error || (told.get(req) === true && isAnswered(req))) return callback(null, value)
    noteTold(req)
    return callback(error)
  }
}

/** A request has been told in another way. */
export function noteTold(req: object): void {
  told.set(req, true)
}

function isAnswered({ res }: { readonly res?: unknown }): boolean {
  return isObject(res) && res['headersSent'] === true
}
