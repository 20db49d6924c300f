import type { Captured, Exchange, Handler, HoldOptions, TeeOptions } from '@holdfast/http'
import { type Bindings, bound } from '@holdfast/test/frameworks'
import { deferred } from './deferred.ts'

/** What a gate saw of one response. */
export interface Seen {
  readonly outcome: Captured['outcome']
  readonly status?: number
  readonly rawHeaders?: readonly string[]
  readonly body?: Buffer
}

export interface Watcher {
  readonly bindings: Bindings
  /** Resolves with what was seen of the first response. */
  readonly seen: Promise<Seen>
}

type Reaction = (exchange: Exchange<unknown>, captured: Captured) => void | Promise<void>

/** A gate that holds every response, and releases it once it was seen and reacted to. */
export function holding(options: Partial<HoldOptions> = {}, react: Reaction = () => {}): Watcher {
  return watching((exchange, next) => exchange.hold(next, { maxBytes: 1_000_000, ...options }), react)
}

/** A gate that tees every response. */
export function teeing(options: Partial<TeeOptions> = {}, react: Reaction = () => {}): Watcher {
  return watching((exchange, next) => exchange.tee(next, { maxBytes: 1_000_000, onHead: () => 'tee', ...options }), react)
}

function watching(capture: (...args: Parameters<Handler<unknown>>) => Promise<Captured>, react: Reaction): Watcher {
  const seen = deferred<Seen>()
  const handler: Handler<unknown> = async (exchange, next) => {
    const captured = await capture(exchange, next)
    seen.resolve(seenOf(captured))
    await react(exchange, captured)
  }
  return { bindings: bound(handler), seen: seen.promise }
}

function seenOf(captured: Captured): Seen {
  if (captured.outcome !== 'complete') return captured
  const { outcome, status, rawHeaders, body } = captured
  return { outcome, status, rawHeaders, body }
}
