import type { Readable } from 'node:stream'
import { bytesOf, type Kept } from '../node/capture/kept.ts'

export type Collected =
  | { readonly state: 'whole' }
  | { readonly state: 'broken'; readonly error: unknown }
  | { readonly state: 'more'; readonly rest: AsyncIterable<Buffer> }

/** Reads a stream into memory, as long as it fits. The rest begins with what was read. */
export async function collect(stream: Readable, kept: Kept): Promise<Collected> {
  const chunks: AsyncIterator<unknown> = stream[Symbol.asyncIterator]()
  try {
    for (;;) {
      const next = await chunks.next()
      if (next.done === true) return { state: 'whole' }
      const chunk = bytesOf(next.value, 'utf8')
      if (!kept.fits(chunk.length)) return { state: 'more', rest: joined(kept, chunk, chunks) }
      kept.add(chunk)
    }
  } catch (error) {
    return { state: 'broken', error }
  }
}

/** What was kept, read only when it is sent. */
export async function* keptChunks(kept: Kept): AsyncGenerator<Buffer> {
  yield* kept.chunks
}

async function* joined(kept: Kept, first: Buffer, more: AsyncIterator<unknown>): AsyncGenerator<Buffer> {
  try {
    yield* kept.chunks
    kept.drop()
    yield first
    for (let next = await more.next(); !next.done; next = await more.next()) yield bytesOf(next.value, 'utf8')
  } finally {
    await more.return?.() // a client that leaves ends the stream that it was reading
  }
}
