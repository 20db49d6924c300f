import { isIP } from 'node:net'
import { inspect } from 'node:util'
import proxyaddr from 'proxy-addr'

/**
 * Which proxies are believed about the client's address, as Express' `trust proxy`: none or all, the last so many hops, the ones at
 * these addresses, or those that a function picks.
 */
export type TrustProxy = boolean | number | string | readonly string[] | Trust

/** Whether the proxy at `address` is trusted, `hop` steps away (0 is the one that is connected). */
export type Trust = (address: string, hop: number) => boolean

/** @throws {TypeError | RangeError} when it is none of the forms */
export function compileTrust(trustProxy: Exclude<TrustProxy, false>): Trust {
  if (typeof trustProxy === 'function') return trustProxy
  if (typeof trustProxy === 'number') return trustHops(trustProxy)
  if (trustProxy === true) return trustAll()
  return trustAddresses(typeof trustProxy === 'string' ? trustProxy.split(',') : trustProxy)
}

function trustHops(hops: number): Trust {
  if (Number.isSafeInteger(hops) && hops >= 0) return (_address, hop) => hop < hops
  throw new RangeError(`trustProxy, as a number of hops, must be a whole number of at least 0, got ${hops}`)
}

function trustAll(): Trust {
  process.emitWarning(
    'trustProxy: true believes whatever X-Forwarded-For says, so any client can forge its address; give the number of proxies instead',
    { type: 'HoldfastWarning', code: 'HOLDFAST_TRUST_PROXY' },
  )
  return () => true
}

function trustAddresses(given: readonly string[]): Trust {
  const addresses = Array.isArray(given) ? given.map(trimmed) : []
  if (!Array.isArray(given) || !addresses.every(isAddress)) throw refused(given)
  try {
    return proxyaddr.compile(addresses)
  } catch (cause) {
    throw refused(given, { cause })
  }
}

function trimmed(address: unknown): string {
  return typeof address === 'string' ? address.trim() : ''
}

/** Stricter than proxy-addr, to which a '1' from the environment is the address 0.0.0.1. */
function isAddress(address: string): boolean {
  return NAMES.includes(address) || isIP(address.replace(/\/.*/, '')) !== 0
}

function refused(given: unknown, options?: ErrorOptions): TypeError {
  return new TypeError(
    `trustProxy must be true, false, a number of hops, a function, or addresses, CIDRs, ${NAMES.join(', ')}; got ${inspect(given)}`,
    options,
  )
}

const NAMES = ['loopback', 'linklocal', 'uniquelocal']
