import type { CallOptions } from '../adapter.ts'
import { checkCallOptions } from '../arguments.ts'
import { AdapterTimeoutError, AdapterUnavailableError } from '../errors.ts'
import { type AdapterCall, traced } from '../trace.ts'
import { Circuit, SILENCE_MS } from './circuit.ts'
import type { ClientHooks, RedisClient } from './client.ts'
import { createWithDeadline, type Waiting } from './deadline.ts'
import { isGivenUp, translated } from './errors.ts'
import { createOutageWarning } from './outage-warning.ts'

/** The way to Redis: every call has a deadline, and none is sent where it is known that no answer will come. */
export interface Connection {
  /** Makes a call of the adapter. `work` starts once the client is there, and sends by `send` what it has to send. */
  perform<T>(
    call: AdapterCall,
    options: CallOptions | undefined,
    work: (client: RedisClient, waiting: Waiting) => Promise<T>,
  ): Promise<T>
  /** The client, once it is there: one that was given is from the beginning. */
  client(): RedisClient | undefined
  /** @throws {AdapterUnavailableError} when the master of this slot is known not to answer */
  admit(client: RedisClient, slot: number, waiting: Waiting): void
  /** Sends to the master of a slot, for one who waits or for several, and learns from its answer. */
  watch<T>(client: RedisClient, slot: number, waiting: Waiting, isOver: () => boolean, send: () => Promise<T>): Promise<T>
  /** Calls `listener` whenever the connection stands, for the first time or again. */
  onReady(listener: (again: boolean) => void): void
  close(): Promise<void>
}

export function createConnection(
  open: (hooks: Omit<ClientHooks, 'isOwn'>) => RedisClient | Promise<RedisClient>,
  timeoutMs: number,
): Connection {
  const warning = createOutageWarning()
  const circuits = new Map<string, Circuit>()
  const readyListeners: ((again: boolean) => void)[] = []
  let closed = false
  const opened = open({ onError, onReady })
  let client = opened instanceof Promise ? undefined : opened
  const opening = Promise.resolve(opened)
  opening.then((there) => {
    client = there
  }, onError)
  const withDeadline = createWithDeadline({
    succeeded: warning.succeeded,
    failed(error, call, waitedMs) {
      const failure = translated(isGivenUp(error) ? (client?.outage() ?? error) : error, call)
      const isHasty = failure instanceof AdapterTimeoutError && waitedMs < Math.min(timeoutMs, SILENCE_MS)
      if (!closed && !isHasty) warning.failed(failure)
      return failure
    },
  })

  function onError(error: Error): void {
    if (!closed) warning.failed(new AdapterUnavailableError(`Redis cannot be reached: ${error.message}`))
  }

  function onReady(again: boolean): void {
    for (const circuit of circuits.values()) circuit.reset()
    for (const listener of readyListeners) listener(again)
  }

  function circuitOf(node: string): Circuit {
    const known = circuits.get(node)
    if (known !== undefined) return known
    const created = new Circuit(node)
    circuits.set(node, created)
    return created
  }

  function start<T>(work: (client: RedisClient, waiting: Waiting) => Promise<T>, waiting: Waiting): Promise<T> {
    if (closed) return Promise.reject(new AdapterUnavailableError('The Redis adapter was closed', { isClosed: true }))
    if (client === undefined) return opening.then(() => start(work, waiting))
    const outage = client.outage()
    if (outage !== undefined) return Promise.reject(outage)
    try {
      return work(client, waiting)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  return {
    client: () => client,
    perform(call, options, work) {
      if (options !== undefined) checkCallOptions(options)
      return traced(call, () =>
        withDeadline(call, options?.timeoutMs ?? timeoutMs, options?.signal, (waiting) => start(work, waiting)),
      )
    },
    admit(client, slot, waiting) {
      const circuit = circuitOf(client.masterOf(slot))
      if (waiting.circuits.includes(circuit)) return // a probe asks for all that its call needs
      if (circuit.isOpen) {
        const refusal = circuit.refusal()
        if (refusal !== undefined) throw refusal
        client.lookAgain()
      }
      waiting.circuits.push(circuit)
    },
    watch: ({ masterOf }, slot, { since }, isOver, send) => circuitOf(masterOf(slot)).watch(send, since, isOver),
    onReady(listener) {
      readyListeners.push(listener)
    },
    async close() {
      if (closed) return
      closed = true
      await opening.then((there) => there.close()).catch(() => {}) // one that never opened needs no closing
    },
  }
}
