import { setTimeout as pause } from 'node:timers/promises'
import type { Workload } from './workloads/workload.ts'

/** How long a client thinks between two visits. */
const THINK_MS = 20

/** Clients that do what workloads have them do. */
export interface Crew {
  work(): void
  /** Resolves when all of them are idle. */
  rest(): Promise<void>
}

export function createCrew(workloads: readonly Workload[]): Crew {
  const shift = { isOn: false }
  let busy: Promise<void>[] = []

  async function client({ visit }: Workload): Promise<void> {
    while (shift.isOn) {
      await visit()
      await pause(THINK_MS)
    }
  }

  return {
    work() {
      shift.isOn = true
      busy = workloads.flatMap((workload) => Array.from({ length: workload.clients }, () => client(workload)))
    },
    async rest() {
      shift.isOn = false
      await Promise.all(busy)
    },
  }
}
