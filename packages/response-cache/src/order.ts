import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { Exchange } from '@holdfast/http'
import type { Forward } from './cache-status.ts'
import type { Said } from './directives.ts'
import type { Arrived, Verdict } from './policy.ts'
import type { Refusal } from './rfc/storable.ts'
import type { StoredResponse } from './stored.ts'

/** What the handlers are run for. */
export interface Purpose {
  readonly fwd: Forward
  /** A stored response that they are asked about, and whether it is served when they fail. */
  readonly stale?: StoredResponse
  readonly ifError?: boolean
  /** The beginning of the response, which is stored. */
  readonly part?: StoredResponse
  /** The tags of what is stored. */
  readonly storedTags?: readonly string[]
  /** Whether the request is answered already: what they make is only stored. */
  readonly inBackground?: boolean
  /** What middlewares in front of the cache had set on the response that was served. */
  readonly inFront?: OutgoingHttpHeaders
  /** Whether the last response was one client's own. */
  readonly isMarked?: boolean
  /** Whether the request's own conditions and ranges are theirs to answer. */
  readonly asSent?: boolean
}

/** The handlers of one request, and what the cache is to know of it. */
export interface Order extends Purpose {
  readonly exchange: Exchange<unknown>
  readonly next: () => Promise<void>
  readonly response: ServerResponse
  /** Whether the request has an `Authorization` field. */
  readonly authorized: boolean
  readonly maxBytes: number
  readonly cacheName: string | false
  /** Fields of the request that every response depends on, in lower case. */
  readonly vary: readonly string[]
  readonly tagHeaders: readonly string[]
  now(): number
  judge(arrived: Arrived): Verdict
  /** What the handler has said by `cacheFor`. */
  said(): Said | undefined
  /** The tags that the options give. */
  tagsOf(): Iterable<string>
  /** The handlers are done: what is read of the request from here on is not for the response. */
  handled(): void
  /** What was read of the request that is one client's own, if the response does not depend on it by `names`. */
  read(names: readonly string[]): Refusal | undefined
}

/** What came of running the handlers. */
export interface Product {
  /** What can be stored of it. */
  readonly stored: StoredResponse | undefined
  /** The fields of the request that it depends on, in lower case. */
  readonly names: readonly string[]
  readonly tags: readonly string[]
  /** Why nothing is stored. */
  readonly refusal: Refusal | undefined
}

export interface Production {
  /** What came of it: as soon as it is known when nothing can be stored. */
  readonly product: Promise<Product>
  /** The client has its answer, or will have: the handler may return. */
  readonly done: Promise<void>
}
