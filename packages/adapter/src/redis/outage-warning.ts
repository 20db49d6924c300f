import { AdapterTimeoutError, AdapterUnavailableError } from '../errors.ts'

export interface OutageWarning {
  failed(error: unknown): void
  succeeded(): void
}

const AT_MOST_EVERY_MS = 60_000

/** Says once per outage that Redis does not answer, as a process warning with the code `HOLDFAST_REDIS_OUTAGE`. */
export function createOutageWarning(): OutageWarning {
  let down = false
  let saidAt = Number.NEGATIVE_INFINITY
  return {
    failed(error) {
      if (down || !(error instanceof AdapterTimeoutError || error instanceof AdapterUnavailableError)) return
      down = true
      if (performance.now() - saidAt < AT_MOST_EVERY_MS) return
      saidAt = performance.now()
      process.emitWarning(`${error.message.replace(/\.$/, '')}. Until Redis answers, each package acts by its failure policy`, {
        type: 'HoldfastWarning',
        code: 'HOLDFAST_REDIS_OUTAGE',
      })
    },
    succeeded() {
      down = false
    },
  }
}
