/** A value as it is kept: what decides about it, and its bytes. */
export interface Entry {
  /** Its own id: two entries with the same id are the same. */
  readonly id: string
  /** The clock of purges before its load began, and the epoch of that clock. */
  readonly epoch: string
  readonly clock: number
  /** When it was stored, in milliseconds since the epoch. */
  readonly storedAt: number
  /** For how long it is fresh. */
  readonly freshMs: number
  /** For how long after that it may be served while it is loaded again. */
  readonly staleMs: number
  /** For how long after that it may be served when the load fails. */
  readonly errorMs: number
  /** How long its load took. */
  readonly loadMs: number
  readonly tags: readonly string[]
  readonly body: Uint8Array
}

/** What is written first; entries of another version are not read. */
const VERSION = 1
const NUMBERS = ['clock', 'storedAt', 'freshMs', 'staleMs', 'errorMs', 'loadMs'] as const
/** Version, 3 bytes of nothing, the lengths of the id and the epoch, and of the tags. */
const LENGTHS_BYTES = 12
const HEAD_BYTES = LENGTHS_BYTES + 8 * NUMBERS.length

export function framed(entry: Entry): Buffer {
  const id = Buffer.from(entry.id)
  const epoch = Buffer.from(entry.epoch)
  const tags = Buffer.from(entry.tags.length === 0 ? '' : JSON.stringify(entry.tags))
  const head = Buffer.alloc(HEAD_BYTES)
  head.writeUInt8(VERSION, 0)
  head.writeUInt16LE(id.length, 4)
  head.writeUInt16LE(epoch.length, 6)
  head.writeUInt32LE(tags.length, 8)
  for (const [index, name] of NUMBERS.entries()) head.writeDoubleLE(entry[name], LENGTHS_BYTES + 8 * index)
  return Buffer.concat([head, id, epoch, tags, entry.body])
}

/** The entry in these bytes, or undefined when they are none of this version. The body is not copied. */
export function unframed(bytes: Uint8Array): Entry | undefined {
  const { buffer, byteOffset, byteLength } = bytes
  if (byteLength < HEAD_BYTES || bytes[0] !== VERSION) return undefined
  const frame = Buffer.from(buffer, byteOffset, byteLength)
  const idEnd = HEAD_BYTES + frame.readUInt16LE(4)
  const epochEnd = idEnd + frame.readUInt16LE(6)
  const tagsEnd = epochEnd + frame.readUInt32LE(8)
  if (tagsEnd > byteLength) return undefined
  const tags = tagsEnd === epochEnd ? NO_TAGS : tagsIn(frame.toString('utf8', epochEnd, tagsEnd))
  if (tags === undefined) return undefined
  const number = (index: number): number => frame.readDoubleLE(LENGTHS_BYTES + 8 * index)
  return {
    id: frame.toString('latin1', HEAD_BYTES, idEnd),
    epoch: frame.toString('latin1', idEnd, epochEnd),
    clock: number(0),
    storedAt: number(1),
    freshMs: number(2),
    staleMs: number(3),
    errorMs: number(4),
    loadMs: number(5),
    tags,
    body: frame.subarray(tagsEnd),
  }
}

const NO_TAGS: readonly string[] = []

/** Undefined when `framed` has not written this. */
function tagsIn(json: string): readonly string[] | undefined {
  try {
    const tags: unknown = JSON.parse(json)
    return Array.isArray(tags) && tags.every((tag) => typeof tag === 'string') ? tags : undefined
  } catch {
    return undefined
  }
}
