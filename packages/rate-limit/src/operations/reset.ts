import { defineOperation, type Operation } from '@holdfast/adapter'
import type { Policy } from '../policy.ts'
import { ringKeys } from './algorithms.ts'
import type { Usage } from './usage.ts'

export interface ResetArgs {
  readonly policies: readonly Policy[]
  /** Where to say `message`, to those who refuse the subject from memory. */
  readonly channel: string
  readonly message: string
}

/** Forgets what a subject has used, and what is held against it. */
export const reset: Operation<Usage, ResetArgs, void> = defineOperation({
  name: 'rate-limit.reset',
  step: (_usage, { channel, message }) => ({ result: undefined, next: null, publish: [{ channel, message }] }),
  lua: `
    delete()
    publish(ARGV[1], ARGV[2])
    return {}
  `,
  encode: ({ channel, message }) => [channel, message],
  decode: () => undefined,
  keys: (key, { policies }) => ringKeys(key, policies),
})
