import type { BodyForm, HttpResponse } from '@holdfast/http'

/** A response as it is given again. */
export interface Answer {
  readonly status: number
  readonly reason: string | undefined
  readonly rawHeaders: readonly string[]
  readonly body: Uint8Array
  readonly form: BodyForm
}

/** What is written first; answers of another version are not read. */
const VERSION = 2
/** Version, 3 bytes of nothing, and how long the head is. */
const LENGTHS_BYTES = 8

type Head = [status: number, reason: string, form: BodyForm, ...rawHeaders: string[]]

/** An answer as it is kept: its head as JSON, and its body. */
export function framed({ status, reason = '', form, rawHeaders, body }: Answer): Buffer {
  const head = Buffer.from(JSON.stringify([status, reason, form, ...rawHeaders]))
  const lengths = Buffer.alloc(LENGTHS_BYTES)
  lengths.writeUInt8(VERSION, 0)
  lengths.writeUInt32LE(head.length, 4)
  return Buffer.concat([lengths, head, body])
}

/** @throws {Error} when the bytes are no answer of this version */
export function unframed({ buffer, byteOffset, byteLength }: Uint8Array): Answer {
  const frame = Buffer.from(buffer, byteOffset, byteLength)
  if (byteLength < LENGTHS_BYTES || frame[0] !== VERSION) throw new Error('A stored answer is none of this version')
  const headEnd = LENGTHS_BYTES + frame.readUInt32LE(4)
  const [status, reason, form, ...rawHeaders] = JSON.parse(frame.toString('utf8', LENGTHS_BYTES, headEnd)) as Head // by `framed`
  return { status, reason: reason || undefined, form, rawHeaders, body: frame.subarray(headEnd) }
}

/** An answer as it is sent again. */
export function replayOf(answer: Answer): HttpResponse {
  return { ...answer, headers: { 'Idempotent-Replayed': 'true' } }
}

/**
 * The headers that are the same for whoever asks again: none of the connection (RFC 9110, section 7.6.1), of the moment, of a quota,
 * and no cookies, unless they are asked for.
 */
export function lastingHeaders(rawHeaders: readonly string[], replayCookies: boolean): string[] {
  const left = replayCookies ? new Set<string>() : new Set(['set-cookie'])
  for (let index = 0; index < rawHeaders.length; index += 2) {
    if (rawHeaders[index]?.toLowerCase() !== 'connection') continue
    for (const name of rawHeaders[index + 1]?.split(',') ?? []) left.add(name.trim().toLowerCase())
  }
  return rawHeaders.filter((_, index) => {
    const name = rawHeaders[index - (index % 2)]?.toLowerCase() ?? ''
    return !left.has(name) && !MOMENTARY.test(name)
  })
}

const MOMENTARY =
  /^(connection|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade|date|(x-)?ratelimit(-.*)?|idempotent-replayed)$/
