import { createCipher } from './cipher.ts'
import { isObject, type SessionRecord } from './merge.ts'
import { SEALED } from './operations/lifetime.ts'
import type { Settings } from './options.ts'

/** What a store keeps with a session, for itself: nothing, unless an option needs it. */
export interface Meta {
  /** When it was first written: milliseconds since the epoch. */
  readonly created?: number
  /** The epoch of its user when it was begun. */
  readonly epoch?: number
  /** Its name is no session id: who asks for it by its name has read that somewhere. */
  readonly hashed?: true
}

/** How Express and Koa differ in what they store. */
export interface Dialect {
  readonly by: 'cookie' | 'maxAge'
  /** For how long a read lets a session live on, in milliseconds, if it says. */
  slideMs(session: SessionRecord): number | undefined
  /** Lets a session say when it ends: in so many milliseconds; undefined where it says nothing of that. */
  refresh(session: SessionRecord, leftMs: number | undefined): void
  /** The session with `meta` in it, in an order in which other stores, and a read in Redis, find what they look for. */
  arranged(session: SessionRecord, meta: SessionRecord): SessionRecord
  /** @throws {TypeError} when the framework would fail on it with every request */
  check(session: SessionRecord): void
  /** The text of a session without its end, which changes with every request: whether two are the same. */
  lasting(text: string): string
}

export interface Codec {
  /** Whether Redis can find in what is stored how long the session lives. */
  tellsLifetime(stored: Buffer | string | undefined): boolean
  /** A session as text: what the serializer makes of it, and of its meta. */
  textOf(session: SessionRecord, meta: Meta): string
  /**
   * The text as it is stored: as bytes only where it is encrypted.
   *
   * @param key Where it is to be stored, without the adapter's prefix: it can be read nowhere else
   */
  encode(key: string, session: SessionRecord, text: string): Buffer | string
  /**
   * The text that is stored.
   *
   * @throws when it is encrypted by no key, or for another place
   */
  decode(key: string, bytes: Buffer): string
  /** @throws when it is nothing that can be a session */
  parse(text: string): Parsed | Promise<Parsed>
}

export interface Parsed {
  readonly session: SessionRecord
  readonly meta: Meta
}

const META = '__holdfast'

export function createCodec({ encryptionKeys, hashIds, serializer, ttlMs }: Settings, dialect: Dialect): Codec {
  const cipher = encryptionKeys.length > 0 ? createCipher(encryptionKeys) : undefined
  const always = hashIds === undefined ? undefined : { hashed: true }

  /** A name of the store's own in the session is dropped: it may come from a client, in what an app assigned without looking. */
  function withMeta(session: SessionRecord, { created, epoch }: Meta): SessionRecord {
    if (created === undefined && epoch === undefined && always === undefined) {
      return Object.hasOwn(session, META) ? withoutMeta(session) : session
    }
    return dialect.arranged(withoutMeta(session), { [META]: { created, epoch, ...always } })
  }

  return {
    tellsLifetime: (stored) => serializer === JSON || (typeof stored === 'object' && headerOf(stored) !== undefined),

    textOf(session, meta) {
      const text: unknown = serializer.stringify(withMeta(session, meta))
      if (typeof text !== 'string') throw new TypeError(`serializer.stringify must give a string, got ${typeof text}`)
      return text
    },

    encode(key, session, text) {
      if (cipher === undefined) return text
      const header = `holdfast:1:${dialect.slideMs(session) ?? ttlMs}:`
      return Buffer.concat([Buffer.from(header), cipher.seal(text, header + key)])
    },

    decode(key, bytes) {
      const header = headerOf(bytes)
      if (header === undefined) return bytes.toString()
      if (cipher === undefined) throw new Error('It is encrypted, and there are no encryptionKeys')
      return cipher.open(bytes.subarray(header.length), header + key)
    },

    parse(text) {
      const parsed = serializer.parse(text)
      return isObject(parsed) && 'then' in parsed ? Promise.resolve(parsed).then(parsedOf) : parsedOf(parsed)
    },
  }
}

/** The `h` of `holdfast:1:`. */
const SEALED_FIRST = 0x68

/** `holdfast:1:`, at most 13 digits, and a colon. */
const LONGEST_HEADER = 32

/** What an encrypted record begins with; undefined of a plain one. */
function headerOf(bytes: Buffer): string | undefined {
  if (bytes[0] !== SEALED_FIRST) return undefined
  return SEALED.exec(bytes.subarray(0, LONGEST_HEADER).toString('latin1'))?.[0]
}

function parsedOf(session: unknown): Parsed {
  if (!isObject(session)) throw new TypeError('It is no object')
  const own = session[META]
  if (own === undefined) return { session, meta: {} }
  delete session[META]
  return { session, meta: metaIn(own) }
}

function withoutMeta(session: SessionRecord): SessionRecord {
  const { [META]: _meta, ...rest } = session
  return rest
}

/** Through another store a client may write here as well, where an app assigns what it is sent: on a user's list anything else would stay. */
function isTime(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value < Infinity
}

function metaIn(own: unknown): Meta {
  if (!isObject(own)) return {}
  const { created, epoch, hashed } = own
  return {
    ...(isTime(created) && { created }),
    ...(isTime(epoch) && { epoch }),
    ...(hashed === true && { hashed }),
  }
}
