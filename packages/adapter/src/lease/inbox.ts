import type { Adapter, AdapterEvent } from '../adapter.ts'
import { perAdapter } from '../per-adapter.ts'
import { type Alarms, waitingAlarms } from './alarms.ts'
import { newToken } from './token.ts'

/** Where this process is told what it waits for: one channel, whatever waits. */
export interface Inbox {
  /** The channel, to be published to by the step that ends a wait; '' as long as it is not listened to. */
  readonly address: string
  /** Listens to the message `name`, from now on: whoever sends it before the first wait is heard as well. */
  listen(name: string): Listening
}

export interface Listening {
  /**
   * Waits until it is time to look again: its message has come, or came since the last wait; messages may have been missed; `ms` are
   * over; or `signal` is aborted. Never rejects.
   *
   * The first wait of a process subscribes to the channel, and looks again when that stands. While it fails, `ms` is what is left.
   */
  wait(ms: number, options?: WaitOptions): Promise<void>
  /** Hears nothing any more; ends a wait. */
  stop(): void
}

export interface WaitOptions {
  readonly signal?: AbortSignal | undefined
  /** The clock, for tests. Defaults to the monotonic one. */
  readonly alarms?: Alarms
}

/** The inbox of this process on an adapter. */
export const inboxOf: (adapter: Adapter) => Inbox = perAdapter(createInbox)

interface Ear {
  isTold: boolean
  wake: () => void
}

function createInbox({ events }: Adapter): Inbox {
  const channel = `inbox:${newToken()}`
  const byName = new Map<string, Set<Ear>>()
  let state: 'unheard' | 'subscribing' | 'heard' = 'unheard'

  function subscribe(): void {
    if (state !== 'unheard') return
    state = 'subscribing'
    events.subscribe(channel, hear).then(
      () => {
        state = 'heard'
        tellAll()
      },
      () => {
        state = 'unheard' // Redis is down: the next wait tries again
      },
    )
  }

  function hear(event: AdapterEvent): void {
    if (event.type === 'gap') tellAll()
    else tell(byName.get(event.message))
  }

  function tellAll(): void {
    for (const ears of byName.values()) tell(ears)
  }

  function tell(ears: Iterable<Ear> = []): void {
    for (const ear of ears) {
      ear.isTold = true
      ear.wake()
    }
  }

  return {
    get address() {
      return state === 'heard' ? channel : ''
    },
    listen(name) {
      const ear: Ear = { isTold: false, wake: () => {} }
      const ears = byName.get(name) ?? new Set()
      byName.set(name, ears.add(ear))
      return {
        async wait(ms, { signal, alarms = waitingAlarms } = {}) {
          subscribe()
          if (ear.isTold || signal?.aborted) {
            ear.isTold = false
            return
          }
          await new Promise<void>((resolve) => {
            const cancel = alarms.at(alarms.now() + ms, end)
            function end(): void {
              cancel()
              signal?.removeEventListener('abort', end)
              resolve()
            }
            ear.wake = end
            signal?.addEventListener('abort', end)
          })
          ear.isTold = false
          ear.wake = () => {}
        },
        stop() {
          ear.wake()
          ears.delete(ear)
          if (ears.size === 0 && byName.get(name) === ears) byName.delete(name)
        },
      }
    },
  }
}
