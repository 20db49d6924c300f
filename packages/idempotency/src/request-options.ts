import { validateHeaderName } from 'node:http'
import { checkedFlag, checkedString, checkedWhole, checkFunctions, checkKnown, shown } from '@holdfast/adapter/options'
import type { KeyRules } from './key.ts'
import { checkedShared, MOST_BYTES, MOST_MS, SHARED_OPTIONS, type SharedOptions, type SharedSettings } from './options.ts'

export interface IdempotencyMiddlewareOptions<Native> extends SharedOptions {
  /**
   * Whose keys these are, by what the server knows: a user, a tenant. Two with the same key never meet. `'public'` where everybody
   * shares them.
   */
  readonly scope: 'public' | ((native: Native) => string | Promise<string>)
  /** Whether a request passes unprotected, whatever key it has. Defaults to none. */
  readonly skip?: (native: Native) => boolean | Promise<boolean>
  /** The field that has the key. Defaults to `'Idempotency-Key'`. */
  readonly header?: string
  /** Of which methods. Defaults to POST and PATCH. */
  readonly methods?: readonly string[]
  /** Whether a request without a key is refused with 400. Defaults to false: it passes, unprotected. */
  readonly required?: boolean
  /** Whether a key has to be a structured-field String, in quotes. Defaults to false. */
  readonly strict?: boolean
  /** Defaults to 255 characters. */
  readonly maxKeyLength?: number
  /** Stands for what is asked for. Defaults to query and body, which are not read where it is given. Needed for multipart. */
  readonly fingerprint?: (native: Native) => string | Uint8Array | Promise<string | Uint8Array>
  /** How many bytes of a body are read that no parser has read. Defaults to 1 MiB; a larger one is refused with 413. */
  readonly maxBodyBytes?: number
  /**
   * Which responses are kept. Any other frees the key, and a retry runs again. Defaults to those with a status under 500, but for 401,
   * 403, 408, 409, 413, 415, 422 and 429.
   */
  readonly store?: (status: number) => boolean
  /** Whether `Set-Cookie` is kept and given again. Defaults to false. */
  readonly replayCookies?: boolean
  /** How long the lease of a handler is renewed whose client has left: one that never ends lets go of its key then. Defaults to 900,000. */
  readonly abandonedMs?: number
  /** Where the use of keys is documented: refusals link to it. Defaults to none. */
  readonly docs?: string
}

/** Options with their defaults filled in. */
export interface RequestSettings<Native> extends SharedSettings {
  readonly scope: 'public' | ((native: Native) => string | Promise<string>)
  readonly skip: ((native: Native) => boolean | Promise<boolean>) | undefined
  readonly key: KeyRules
  readonly header: string
  readonly methods: ReadonlySet<string>
  readonly required: boolean
  readonly fingerprint: ((native: Native) => string | Uint8Array | Promise<string | Uint8Array>) | undefined
  readonly maxBodyBytes: number
  readonly store: (status: number) => boolean
  readonly replayCookies: boolean
  readonly abandonedMs: number
  readonly docs: string | undefined
}

/** @throws {TypeError | RangeError} when an option is missing, unknown or out of range */
export function checkedRequestOptions<Native>(options: IdempotencyMiddlewareOptions<Native>): RequestSettings<Native> {
  checkKnown('idempotency', options, [...SHARED_OPTIONS, ...OWN_OPTIONS])
  const shared = checkedShared(options)
  const { scope, skip, header = 'Idempotency-Key', methods = ['POST', 'PATCH'], required = false, strict = false } = options
  const { maxKeyLength = 255, fingerprint, maxBodyBytes = 2 ** 20, store = isStored } = options
  const { replayCookies = false, abandonedMs = 900_000, docs } = options
  if (scope !== 'public' && typeof scope !== 'function') {
    throw new TypeError(
      `scope must be a function that gives the user or tenant of a request, or 'public' where all clients share their keys, got ${shown(scope)}`,
    )
  }
  checkFunctions({ skip, fingerprint, store })
  for (const [name, value] of Object.entries({ required, strict, replayCookies })) checkedFlag(name, value)
  checkHeader(header)
  return {
    ...shared,
    scope,
    skip,
    key: { header: header.toLowerCase(), strict, maxKeyLength: checkedWhole('maxKeyLength', maxKeyLength, 1, 8_192) },
    header,
    methods: checkedMethods(methods),
    required,
    fingerprint,
    maxBodyBytes: checkedWhole('maxBodyBytes', maxBodyBytes, 0, MOST_BYTES),
    store,
    replayCookies,
    abandonedMs: checkedWhole('abandonedMs', abandonedMs, 0, MOST_MS),
    docs: docs === undefined ? undefined : checkedUrl(docs),
  }
}

const OWN_OPTIONS = [
  'scope',
  'skip',
  'header',
  'methods',
  'required',
  'strict',
  'maxKeyLength',
  'fingerprint',
  'maxBodyBytes',
  'store',
  'replayCookies',
  'abandonedMs',
  'docs',
]

/** What a client can mend, or what comes of the moment, is asked again. */
const NOT_STORED: ReadonlySet<number> = new Set([401, 403, 408, 409, 413, 415, 422, 429])

function isStored(status: number): boolean {
  return status < 500 && !NOT_STORED.has(status)
}

function checkHeader(header: string): void {
  validateHeaderName(checkedString('header', header))
}

function checkedMethods(methods: readonly string[]): ReadonlySet<string> {
  if (!Array.isArray(methods) || methods.length === 0)
    throw new TypeError(`methods must be a list of methods, got ${shown(methods)}`)
  for (const method of methods) {
    if (typeof method !== 'string' || !/^[A-Z]+$/.test(method)) {
      throw new RangeError(`A method must be in capitals, such as POST, got ${shown(method)}`)
    }
  }
  return new Set(methods)
}

function checkedUrl(docs: string): string {
  if (typeof docs === 'string' && /^[!#-;=?-~]+$/.test(docs)) return docs
  throw new TypeError(`docs must be a URL, got ${shown(docs)}`)
}
