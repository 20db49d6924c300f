import type { IncomingMessage } from 'node:http'
import { parseItem } from 'structured-headers'

export interface KeyRules {
  /** The field's name in lower case. */
  readonly header: string
  /** Whether only a structured-field String is a key. */
  readonly strict: boolean
  readonly maxKeyLength: number
}

export type GivenKey =
  | { readonly state: 'given'; readonly key: string }
  | { readonly state: 'missing' }
  /** What is wrong with it, for the client. */
  | { readonly state: 'invalid'; readonly why: string }

/**
 * The key of a request: a structured-field Item that is a String (draft-ietf-httpapi-idempotency-key-header-07, section 2.1), whose
 * parameters are ignored; and unless `strict`, the same without quotes, as most clients send it.
 */
export function keyOf(request: IncomingMessage, { header, strict, maxKeyLength }: KeyRules): GivenKey {
  const value = request.headers[header]
  if (value === undefined) return { state: 'missing' }
  if (Array.isArray(value) || isRepeated(request, header)) return { state: 'invalid', why: 'it is there several times' }
  const key = strict || value.startsWith('"') ? quotedKey(value) : bareKey(value)
  if (key === undefined) return { state: 'invalid', why: strict ? QUOTED : BARE }
  if (key === '') return { state: 'invalid', why: 'it is empty' }
  if (key.length > maxKeyLength) return { state: 'invalid', why: `it is longer than ${maxKeyLength} characters` }
  return { state: 'given', key }
}

const QUOTED = 'it is not a string in double quotes, such as "8e03978e"'
const BARE = 'it is neither a string in double quotes, such as "8e03978e", nor the same without quotes, spaces and commas'

/** Node joins what comes several times; two halves of a String would become one. */
function isRepeated({ rawHeaders }: IncomingMessage, header: string): boolean {
  let seen = 0
  for (let index = 0; index < rawHeaders.length; index += 2) {
    if (rawHeaders[index]?.toLowerCase() === header) seen += 1
  }
  return seen > 1
}

function quotedKey(value: string): string | undefined {
  const item = parsed(value)
  return typeof item === 'string' ? item : undefined
}

function bareKey(value: string): string | undefined {
  const [, key, parameters = ''] = /^([!#-+\--:<-[\]-~]*)(.*)$/.exec(value) ?? []
  return parameters === '' || parsed(`parameters${parameters}`) !== undefined ? key : undefined
}

function parsed(value: string): unknown {
  try {
    return parseItem(value)[0]
  } catch {
    return undefined // not a structured field
  }
}
