import type { IncomingHttpHeaders } from 'node:http'
import { createLru } from '@holdfast/adapter/lru'
import { fieldsOf, joined } from './rfc/fields.ts'
import { preferredLanguage, variantOf } from './rfc/vary.ts'
import type { StoredResponse, VariantIndex } from './stored.ts'

/** Where the responses of a URL are that depend on fields of the request. */
export interface Variants {
  /** The keys of what a request may get, the best first. */
  keysFor(base: string, index: VariantIndex, headers: IncomingHttpHeaders): string[]
  /** The keys under which the response to a request is kept. */
  keysOf(base: string, index: VariantIndex, headers: IncomingHttpHeaders, stored: StoredResponse): string[]
  /** The index of a URL that was seen last. */
  known(base: string): VariantIndex | undefined
  remember(base: string, index: VariantIndex): void
  /** Notes that a variant is kept. Gives the key of one that has to make room. */
  note(base: string, index: VariantIndex, key: string): string | undefined
}

/** What is remembered of each, in characters. */
const REMEMBERED = 2 ** 20
const REMEMBERED_MS = 30 * 86_400_000

/** @param anyOrder Whether accepted languages may stand in any order, and one that is liked best is as good as all of them */
export function createVariants({
  now,
  maxVariants,
  anyOrder,
}: {
  readonly now: () => number
  readonly maxVariants: number
  readonly anyOrder: boolean
}): Variants {
  const indexes = createLru<VariantIndex>({ maxBytes: REMEMBERED, sizeOf: sizeOfIndex, now })
  const kept = createLru<Set<string>>({ maxBytes: REMEMBERED, sizeOf: ({ size }) => 64 * (1 + size), now })

  function keysWith(
    base: string,
    { generation, names }: VariantIndex,
    headers: IncomingHttpHeaders,
    language?: string,
  ): string[] {
    const key = (variant: string): string => `${base}\n${generation}\n${variant}`
    const own = key(variantOf(headers, names, { anyOrder }))
    if (!anyOrder || language === undefined || !names.includes('accept-language')) return [own]
    return [own, key(variantOf(headers, names, { anyOrder, language }))]
  }

  return {
    keysFor: (base, index, headers) => keysWith(base, index, headers, anyOrder ? preferredLanguage(headers) : undefined),
    keysOf: (base, index, headers, stored) => keysWith(base, index, headers, languageOf(stored)),
    known: (base) => indexes.get(base),
    remember: (base, index) => indexes.set(base, index, REMEMBERED_MS),

    note(base, { generation }, key) {
      const noted = `${base}\n${generation}`
      const all = kept.get(noted) ?? new Set()
      all.delete(key)
      all.add(key)
      kept.set(noted, all, REMEMBERED_MS)
      const [oldest] = all
      if (all.size <= maxVariants || oldest === undefined) return undefined
      all.delete(oldest)
      return oldest
    },
  }
}

function sizeOfIndex({ generation, names }: VariantIndex): number {
  return generation.length + names.join().length + 64
}

function languageOf({ rawHeaders }: StoredResponse): string | undefined {
  const language = joined(fieldsOf(rawHeaders), 'content-language')?.toLowerCase()
  return language?.includes(',') ? undefined : language
}
