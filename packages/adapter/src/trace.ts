import { type TracingChannel, tracingChannel } from 'node:diagnostics_channel'
import { abridged } from './errors.ts'

/** What subscribers of the tracing channel `holdfast.adapter` get, for every call of an adapter. */
export interface AdapterCall {
  readonly call: 'run' | 'get' | 'getMany' | 'set' | 'delete' | 'publish' | 'subscribe'
  readonly backend: 'memory' | 'redis'
  /** The name of the operation, where `call` is `'run'`. */
  readonly operation?: string
  readonly key: string
}

const channel: TracingChannel<AdapterCall> = tracingChannel('holdfast.adapter')

/** Whether anybody listens: without, a call costs one look. */
export function isTraced(): boolean {
  return channel.hasSubscribers
}

/** Runs a call between the events `start`, `end`, `asyncStart`, `asyncEnd` and `error` of `tracing:holdfast.adapter`. */
export function traced<T>(call: AdapterCall, run: () => Promise<T>): Promise<T> {
  return channel.hasSubscribers ? channel.tracePromise(run, call) : run()
}

/** A call as messages name it: `run rate-limit.consume on "…"`. */
export function described({ call, operation, key }: AdapterCall): string {
  return `${operation === undefined ? call : `run ${operation}`} on "${abridged(key)}"`
}
