import type { AdapterEvents, CallOptions, EventListener } from '../adapter.ts'
import { createListeners } from '../listeners.ts'

/**
 * Events within this process. A message is delivered after the step that published it.
 *
 * @param check Throws when the adapter takes no more calls
 */
export function memoryEvents(
  check: (options?: CallOptions) => void,
): AdapterEvents & { emit(channel: string, message: string): void; end(): void } {
  const listeners = createListeners()

  function emit(channel: string, message: string): void {
    if (listeners.has(channel)) queueMicrotask(() => listeners.deliver(channel, { type: 'message', message }))
  }

  return {
    emit,
    end: listeners.end,
    async publish(channel, message, options) {
      check(options)
      emit(channel, message)
    },
    async subscribe(channel: string, listener: EventListener) {
      check()
      const remove = listeners.add(channel, listener)
      return async () => {
        remove()
      }
    },
  }
}
