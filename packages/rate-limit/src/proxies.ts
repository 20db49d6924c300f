/** Warns, once of each app, that a client can choose its address. */
export function warnThatAllAreTrusted(app: object, remedy: string): void {
  warnOnce(
    allTrusted,
    app,
    `The app believes whatever X-Forwarded-For says: a client that changes it gets another quota each time. ${remedy}`,
    TRUST_PROXY,
  )
}

/** Warns, once of each app, that it seems to stand behind a proxy that it does not know of. */
export function warnThatNoneIsTrusted(app: object, remedy: string): void {
  warnOnce(
    noneTrusted,
    app,
    `A request has X-Forwarded-For, and the app trusts no proxy: behind one, all clients would share a quota. ${remedy}`,
    TRUST_PROXY,
  )
}

/** Warns, once of each limiter, that a client can choose its address among those of its network. */
export function warnThatAddressIsWhole(limiter: object): void {
  warnOnce(
    addressWhole,
    limiter,
    'key gave a whole IPv6 address: a client has more of them than can be counted, and a quota for each. Give addressKey(address)',
    'HOLDFAST_RATE_LIMIT',
  )
}

const allTrusted = new WeakSet<object>()
const noneTrusted = new WeakSet<object>()
const addressWhole = new WeakSet<object>()

const TRUST_PROXY = 'HOLDFAST_TRUST_PROXY'

function warnOnce(warned: WeakSet<object>, of: object, message: string, code: string): void {
  if (warned.has(of)) return
  warned.add(of)
  process.emitWarning(message, { type: 'HoldfastWarning', code })
}
