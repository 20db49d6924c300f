import type { IncomingHttpHeaders } from 'node:http'
import type { Refusal } from './rfc/storable.ts'
import { isDevelopment } from './warnings.ts'

/** Something of a request that makes its response one client's own, if it was read. */
export interface Input {
  readonly holder: object
  readonly name: string
  readonly kind: Extract<Refusal, 'cookie-read' | 'authorization-read' | 'session-read' | 'user-read'>
}

/** Sees what of a request is read. */
export interface Reads {
  /** What was read so far, and in development where first. */
  readonly all: ReadonlyMap<Input['kind'], string>
  /** Does something that is none of the handlers' reading. */
  unseen<T>(work: () => T): T
  /** Puts everything back as it was. */
  stop(): void
}

/** @param countsLists Whether asking for the names of all there is counts as a read of each */
export function watchReads(inputs: readonly Input[], countsLists: boolean): Reads {
  const all = new Map<Input['kind'], string>()
  let isUnseen = false
  const stops = inputs.map(({ holder, name, kind }) => {
    function touched(): void {
      if (!isUnseen && !all.has(kind)) all.set(kind, whereFrom())
    }
    const isAbsent = isPlain(holder) && !Object.hasOwn(holder, name)
    return isAbsent ? watchAbsent(holder, name, touched, countsLists ? touched : undefined) : watch(holder, name, touched)
  })
  return {
    all,
    unseen(work) {
      const before = isUnseen
      isUnseen = true
      try {
        return work()
      } finally {
        isUnseen = before
      }
    },
    stop() {
      for (const stop of stops.splice(0).toReversed()) stop() // one may be watched twice, the second time around the first
    },
  }
}

/** What a request has of fields that a response may depend on, besides those of one client and of the connection. */
const NEUTRAL =
  /^(cookie|authorization|host|connection|keep-alive|content-.*|transfer-encoding|te|upgrade|expect|date|cache-control|pragma|range|if-.*)$/

/** Sees which other fields of a request are read, and where first. */
export function watchFields(headers: IncomingHttpHeaders): { readonly all: ReadonlyMap<string, string>; stop(): void } {
  const all = new Map<string, string>()
  const names = Object.keys(headers).filter((name) => !name.startsWith(':') && !NEUTRAL.test(name)) // those of HTTP/2 are the URL's and the method
  const stops = names.map((name) =>
    watch(headers, name, () => {
      if (!all.has(name)) all.set(name, whereFrom())
    }),
  )
  return {
    all,
    stop() {
      for (const stop of stops.splice(0)) stop()
    },
  }
}

/** Has `touched` called when a property is read or set, which goes on to be what it was. */
function watch(holder: object, name: string, touched: () => void): () => void {
  const before = Object.getOwnPropertyDescriptor(holder, name)
  if (before?.configurable === false) return () => {}
  let own = before
  function get(): unknown {
    touched()
    if (own === undefined) return Reflect.get(Reflect.getPrototypeOf(holder) ?? {}, name, holder) as unknown
    return own.get === undefined ? (own.value as unknown) : (own.get.call(holder) as unknown)
  }
  Object.defineProperty(holder, name, {
    configurable: true,
    enumerable: before?.enumerable ?? false,
    get,
    set(value: unknown) {
      touched()
      if (own?.set !== undefined) own.set.call(holder, value)
      else if (own === undefined && hasSetter(holder, name))
        Reflect.set(Reflect.getPrototypeOf(holder) ?? {}, name, value, holder)
      else own = { value, writable: true, enumerable: true, configurable: true }
    },
  })
  return () => {
    const current = Object.getOwnPropertyDescriptor(holder, name)
    if (current?.get !== get) return current && touched() // it was deleted since, or defined anew
    if (own === undefined) Reflect.deleteProperty(holder, name)
    else Object.defineProperty(holder, name, own)
  }
}

/** Whether nobody gives it another prototype, as Express does to its requests. */
function isPlain(holder: object): boolean {
  const prototype = Reflect.getPrototypeOf(holder)
  return prototype === null || Reflect.getPrototypeOf(prototype) === null
}

/** Has `touched` called when a property that is not there is read, looked for or set: it stays absent for whoever does. */
function watchAbsent(holder: object, name: string, touched: () => void, listed?: () => void): () => void {
  const before = Reflect.getPrototypeOf(holder)
  function touch(key: string | symbol): void {
    if (key === name) touched()
  }
  const layer = new Proxy<object>(before ?? { __proto__: null }, {
    get(target, key, receiver) {
      touch(key)
      const value: unknown = Reflect.get(target, key, receiver)
      if (key !== 'hasOwnProperty' || typeof value !== 'function') return value
      return (own: string | symbol): unknown => {
        touch(own)
        return Reflect.apply(value, receiver, [own])
      }
    },
    has(target, key) {
      touch(key)
      return Reflect.has(target, key)
    },
    set(target, key, value, receiver) {
      touch(key)
      return Reflect.set(target, key, value, receiver)
    },
    /** Of a `for` that goes through all of them. */
    ownKeys(target) {
      listed?.()
      return Reflect.ownKeys(target)
    },
  })
  Reflect.setPrototypeOf(holder, layer)
  return () => {
    if (Reflect.getPrototypeOf(holder) === layer) Reflect.setPrototypeOf(holder, before)
  }
}

function hasSetter(holder: object, name: string): boolean {
  for (let at = Reflect.getPrototypeOf(holder); at !== null; at = Reflect.getPrototypeOf(at)) {
    const descriptor = Object.getOwnPropertyDescriptor(at, name)
    if (descriptor !== undefined) return descriptor.set !== undefined
  }
  return false
}

/** The line that reads, without those of this file. */
function whereFrom(): string {
  if (!isDevelopment()) return ''
  const lines = (new Error().stack ?? '').split('\n').slice(1)
  return (lines.find((line) => !FRAMES.test(line)) ?? '').trim()
}

const FRAMES = /\breads\.[tj]s\b|Object\.get|Map\./
