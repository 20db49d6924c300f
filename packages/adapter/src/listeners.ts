import { inspect } from 'node:util'
import type { AdapterEvent, EventListener } from './adapter.ts'

/** Who listens to which channel in this process. */
export interface Listeners {
  /** @returns A function that removes this listener */
  add(channel: string, listener: EventListener): () => void
  has(channel: string): boolean
  channels(): Iterable<string>
  deliver(channel: string, event: AdapterEvent): void
  /** Nothing comes any more: a gap for all, so that nobody waits for what cannot come. */
  end(): void
}

export function createListeners(): Listeners {
  const byChannel = new Map<string, Set<{ readonly listener: EventListener }>>()

  function deliver(channel: string, event: AdapterEvent): void {
    for (const { listener } of [...(byChannel.get(channel) ?? [])]) {
      try {
        listener(event)
      } catch (error) {
        report(error)
      }
    }
  }

  return {
    add(channel, listener) {
      const registered = { listener }
      const ofChannel = byChannel.get(channel) ?? new Set()
      byChannel.set(channel, ofChannel.add(registered))
      return () => {
        ofChannel.delete(registered)
        if (ofChannel.size === 0 && byChannel.get(channel) === ofChannel) byChannel.delete(channel)
      }
    },
    has: (channel) => byChannel.has(channel),
    channels: () => byChannel.keys(),
    deliver,
    end() {
      for (const channel of [...byChannel.keys()]) deliver(channel, { type: 'gap' })
      byChannel.clear()
    },
  }
}

/** A listener that throws is a bug of its own: it is shown, and harms no other. */
function report(error: unknown): void {
  process.emitWarning(`A listener of an adapter's events threw: ${inspect(error)}`, {
    type: 'HoldfastWarning',
    code: 'HOLDFAST_EVENT_LISTENER',
  })
}
