import { channel, type TracingChannel, tracingChannel } from 'node:diagnostics_channel'
import { abridged } from './errors.ts'

/** What subscribers of the tracing channel `holdfast.adapter` get, for every call of an adapter. */
export interface AdapterCall {
  readonly call: 'run' | 'get' | 'getMany' | 'set' | 'delete' | 'publish' | 'subscribe' | 'scan'
  readonly backend: 'memory' | 'redis'
  /** The name of the operation, where `call` is `'run'`. */
  readonly operation?: string
  readonly key: string
}

/** What subscribers of the channel `holdfast.adapter.circuit` get, when the circuit breaker of a Redis changes its mind. */
export interface CircuitEvent {
  /** `'open'`: calls fail at once; `'half-open'`: one is let through as a probe; `'closed'`: Redis answers again. */
  readonly state: 'open' | 'half-open' | 'closed'
  /** The master's address on a Cluster; '' elsewhere. */
  readonly node: string
  /** Why it opened. */
  readonly cause?: unknown
}

const calls: TracingChannel<AdapterCall> = tracingChannel('holdfast.adapter')
const circuits = channel('holdfast.adapter.circuit')

/** Whether anybody listens: without, a call costs one look. */
export function isTraced(): boolean {
  return calls.hasSubscribers
}

/** Runs a call between the events `start`, `end`, `asyncStart`, `asyncEnd` and `error` of `tracing:holdfast.adapter`. */
export function traced<T>(call: AdapterCall, run: () => Promise<T>): Promise<T> {
  return calls.hasSubscribers ? calls.tracePromise(run, call) : run()
}

export function announceCircuit(event: CircuitEvent): void {
  if (circuits.hasSubscribers) circuits.publish(event)
}

/** A call as messages name it: `run rate-limit.consume on "…"`. */
export function described({ call, operation, key }: AdapterCall): string {
  return `${operation === undefined ? call : `run ${operation}`} on "${abridged(key)}"`
}
