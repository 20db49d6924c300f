import type { AdapterEvents, EventListener } from '../adapter.ts'
import { createListeners } from '../listeners.ts'

/** Events within this process. A message is delivered after the step that published it. */
export function memoryEvents(): AdapterEvents & { emit(channel: string, message: string): void } {
  const listeners = createListeners()

  function emit(channel: string, message: string): void {
    if (listeners.has(channel)) queueMicrotask(() => listeners.deliver(channel, { type: 'message', message }))
  }

  return {
    emit,
    async publish(channel, message) {
      emit(channel, message)
    },
    async subscribe(channel: string, listener: EventListener) {
      const remove = listeners.add(channel, listener)
      return async () => {
        remove()
      }
    },
  }
}
