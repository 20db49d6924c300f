/** Warns, once of each app, that a client can choose its address. */
export function warnThatAllAreTrusted(app: object, remedy: string): void {
  warnOnce(
    allTrusted,
    app,
    `The app believes whatever X-Forwarded-For says: a client that changes it gets another quota each time. ${remedy}`,
  )
}

/** Warns, once of each app, that it seems to stand behind a proxy that it does not know of. */
export function warnThatNoneIsTrusted(app: object, remedy: string): void {
  warnOnce(
    noneTrusted,
    app,
    `A request has X-Forwarded-For, and the app trusts no proxy: behind one, all clients would share a quota. ${remedy}`,
  )
}

const allTrusted = new WeakSet<object>()
const noneTrusted = new WeakSet<object>()

function warnOnce(warned: WeakSet<object>, app: object, message: string): void {
  if (warned.has(app)) return
  warned.add(app)
  process.emitWarning(message, { type: 'HoldfastWarning', code: 'HOLDFAST_TRUST_PROXY' })
}
