import { defineOperation, type Operation } from '../operation.ts'

/** Values as raw strings: the same scripts that keep states check the kind of the key and keep injected time. */
export const setValue: Operation<Uint8Array, { value: Buffer; ttlMs: number }, void> = defineOperation({
  name: 'value.set',
  state: 'string',
  step: (_state, { value, ttlMs }) => ({ result: undefined, next: { state: value, ttlMs } }),
  lua: `
    write(tonumber(ARGV[2]), ARGV[1])
    return {}
  `,
  encode: ({ value, ttlMs }) => [value, ttlMs],
  decode: () => undefined,
})

export const deleteValue: Operation<Uint8Array, void, void> = defineOperation({
  name: 'value.delete',
  state: 'string',
  step: () => ({ result: undefined, next: null }),
  lua: `
    delete()
    return {}
  `,
  encode: () => [],
  decode: () => undefined,
})

/** Where the clock is injected, `GET` alone cannot tell whether a value has ended. */
export const getValue: Operation<Uint8Array, void, Uint8Array | undefined> = defineOperation({
  name: 'value.get',
  state: 'string',
  step: (state) => ({ result: state }),
  lua: `
    return { read() }
  `,
  encode: () => [],
  decode: ([bytes]) => (typeof bytes === 'object' ? bytes : undefined),
})
