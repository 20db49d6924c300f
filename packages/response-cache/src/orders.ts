import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { checkedTags } from '@holdfast/cache/engine'
import type { Asked } from './asked.ts'
import { saidOf } from './directives.ts'
import type { Settings } from './options.ts'
import type { Order, Production, Purpose } from './order.ts'
import { decideAs } from './own-headers.ts'
import { createPolicy } from './policy.ts'
import { produce } from './production.ts'
import { type Input, type Reads, watchFields, watchReads } from './reads.ts'
import type { Refusal } from './rfc/storable.ts'
import { isDevelopment, warnOfFields, warnOfReads } from './warnings.ts'

/** What a binding knows of its framework. */
export interface Surroundings<Native, Target> {
  /** What a handler answers by. */
  target(native: Native): Target & object
  /** Node's own response, of which `cacheFor` is said: a cache in front of the framework hears it as well. */
  response(native: Native): ServerResponse
  /** What of a request is one client's own. */
  inputs(native: Native): readonly Input[]
}

export interface Orders<Native> {
  /** What has to be known to run the handlers of a request, or to judge what they have made. */
  orderOf(asked: Asked<Native>, purpose: Purpose, reads?: Reads): Order
  /** What middlewares in front of the cache have set on the response, until it is answered. */
  inFront(asked: Asked<Native>): OutgoingHttpHeaders
  /** Runs the handlers of a request. */
  run(asked: Asked<Native>, purpose: Purpose): Production
}

export function createOrders<Native, Target>(
  settings: Settings<Native, Target>,
  { target, response, inputs }: Surroundings<Native, Target>,
  now: () => number,
): Orders<Native> {
  const { mode, vary, maxBytes, cacheStatus: cacheName, tagHeaders, tags } = settings
  const judge = createPolicy(settings)

  function orderOf({ exchange, next, keyed, authorized }: Asked<Native>, purpose: Purpose, reads?: Reads): Order {
    const { native } = exchange
    return {
      ...purpose,
      exchange,
      next,
      authorized,
      response: response(native),
      maxBytes,
      cacheName,
      vary,
      tagHeaders,
      now,
      judge,
      said: () => saidOf(response(native)),
      tagsOf: () => checkedTags(tags?.(native, target(native)) ?? []),
      handled: () => reads?.stop(),
      read: (names) => (reads === undefined ? undefined : firstRead(reads, keyed, names)),
    }
  }

  return {
    orderOf,
    inFront: ({ exchange: { native } }) => ({ ...response(native).getHeaders() }),

    run(asked, purpose) {
      const { native, headers } = asked.exchange
      function go(): Promise<void> {
        if (purpose.inFront !== undefined) decideAs(purpose.inFront, response(native))
        return asked.next()
      }
      if (mode === 'rfc') return produce(orderOf({ ...asked, next: go }, purpose))
      const reads = watchReads(inputs(native), true)
      const fields = isDevelopment() ? watchFields(headers) : undefined
      function stop(): void {
        reads.stop()
        fields?.stop()
      }
      function next(): Promise<void> {
        unseenBelow(response(native), reads, stop)
        return go()
      }
      const production = produce(orderOf({ ...asked, next }, purpose, reads))
      production.product.then((product) => {
        stop()
        if (fields === undefined) return
        warnOfReads(reads, product.refusal, asked.base)
        if (product.stored !== undefined) warnOfFields(fields.all, [...product.names, ...asked.keyedFields], asked.base)
      }, stop)
      return production
    },
  }
}

/** What stands in front looks at the session as well, when the head goes out and at the end: that is not the handlers'. */
function unseenBelow(response: ServerResponse, reads: Reads, end: () => void): void {
  const { writeHead, write, flushHeaders, end: finish } = response
  const quietly =
    (method: (...args: never[]) => unknown) =>
    (...args: unknown[]) =>
      reads.unseen(() => Reflect.apply(method, response, args) as unknown)
  Object.assign(response, {
    writeHead: quietly(writeHead),
    write: quietly(write),
    flushHeaders: quietly(flushHeaders),
    end(...args: unknown[]): unknown {
      end()
      return Reflect.apply(finish, response, args)
    },
  })
}

/** What was read that neither the key nor `Vary` has. */
function firstRead(reads: Reads, keyed: Asked<unknown>['keyed'], names: readonly string[]): Refusal | undefined {
  for (const kind of reads.all.keys()) {
    if (!keyed.has(kind) && !names.includes(FIELDS[kind] ?? '')) return kind
  }
  return undefined
}

/** The request fields that stand for what was read. */
const FIELDS: Readonly<Partial<Record<Input['kind'], string>>> = {
  'cookie-read': 'cookie',
  'authorization-read': 'authorization',
}
