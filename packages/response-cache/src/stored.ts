import type { Times } from './rfc/reuse.ts'

/** A stored response: what decides about it, its head as it is sent, and its bytes as they came. */
export interface StoredResponse extends Times {
  readonly kind: 'response'
  readonly status: number
  /** Names and values in turn. */
  readonly rawHeaders: readonly string[]
  readonly body: Uint8Array
}

/** A URL has several responses: which one a request gets depends on these of its fields. */
export interface VariantIndex {
  readonly kind: 'variants'
  /** Part of the keys of the variants: an index that is new finds none of an old one. */
  readonly generation: string
  readonly names: readonly string[]
}

/** The last response was one client's own: each request gets its own, none waits for another, and the first that may be is stored. */
export interface HitForMiss {
  readonly kind: 'pass'
}

export type Stored = StoredResponse | VariantIndex | HitForMiss

const RESPONSE = 1
const VARIANTS = 2
const PASS = 3
const NUMBERS = ['respondedAt', 'ageMs', 'freshMs', 'staleMs', 'errorMs'] as const
/** Kind, flags, status, the length of the head, and numbers. */
const FIXED_BYTES = 8 + 8 * NUMBERS.length
const ALWAYS_VALIDATE = 1
const NEVER_STALE = 2

export function encoded(stored: Stored): Buffer {
  if (stored.kind === 'pass') return Buffer.of(PASS)
  if (stored.kind === 'variants') return lines(VARIANTS, [stored.generation, ...stored.names])
  const head = Buffer.from(stored.rawHeaders.join('\n'), 'latin1')
  const fixed = Buffer.allocUnsafe(FIXED_BYTES)
  fixed.writeUInt8(RESPONSE, 0)
  fixed.writeUInt8((stored.alwaysValidate ? ALWAYS_VALIDATE : 0) | (stored.neverStale ? NEVER_STALE : 0), 1)
  fixed.writeUInt16LE(stored.status, 2)
  fixed.writeUInt32LE(head.length, 4)
  for (const [index, name] of NUMBERS.entries()) fixed.writeDoubleLE(stored[name], 8 + 8 * index)
  return Buffer.concat([fixed, head, stored.body])
}

function lines(kind: number, all: readonly string[]): Buffer {
  return Buffer.concat([Buffer.of(kind), Buffer.from(all.join('\n'), 'latin1')])
}

/** What these bytes hold, or undefined when they are of another version. The body is not copied. */
export function decoded(bytes: Uint8Array): Stored | undefined {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const [kind] = buffer
  if (kind === RESPONSE) return responseIn(buffer)
  if (kind === PASS) return { kind: 'pass' }
  if (kind !== VARIANTS) return undefined
  const [generation = '', ...names] = buffer.toString('latin1', 1).split('\n')
  return { kind: 'variants', generation, names }
}

/** Names and values in turn, as Node sends them: of others it would make an error at each hit. */
const HEAD = /^(?:[!#$%&'*+.^_`|~\w-]+\n[\t\x20-\x7e\x80-\xff]*(?:\n(?!$)|$))*$/

function responseIn(buffer: Buffer): StoredResponse | undefined {
  if (buffer.length < FIXED_BYTES) return undefined
  const flags = buffer.readUInt8(1)
  const headEnd = FIXED_BYTES + buffer.readUInt32LE(4)
  if (headEnd > buffer.length) return undefined
  const status = buffer.readUInt16LE(2)
  const head = buffer.toString('latin1', FIXED_BYTES, headEnd)
  if (status < 200 || status > 999 || !HEAD.test(head)) return undefined
  const number = (index: number): number => buffer.readDoubleLE(8 + 8 * index)
  return {
    kind: 'response',
    status,
    rawHeaders: head === '' ? [] : head.split('\n'),
    respondedAt: number(0),
    ageMs: number(1),
    freshMs: number(2),
    staleMs: number(3),
    errorMs: number(4),
    alwaysValidate: (flags & ALWAYS_VALIDATE) !== 0,
    neverStale: (flags & NEVER_STALE) !== 0,
    body: buffer.subarray(headEnd),
  }
}
