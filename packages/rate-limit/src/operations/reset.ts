import { defineOperation, type Operation } from '@holdfast/adapter'
import type { Policy } from '../policy.ts'
import { ringKeys, type Usage } from './consume.ts'

/** Forgets what a subject has used. */
export const reset: Operation<Usage, { readonly policies: readonly Policy[] }, void> = defineOperation({
  name: 'rate-limit.reset',
  step: () => ({ result: undefined, next: null }),
  lua: `
    delete()
    return {}
  `,
  encode: () => [],
  decode: () => undefined,
  keys: (key, { policies }) => ringKeys(key, policies),
})
