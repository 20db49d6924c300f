import { defineOperation, type Operation } from '@holdfast/adapter'

/** About the least that a step can do: what is measured is the adapter. */
export const count: Operation<{ total: number }, number, number> = defineOperation({
  name: 'bench.count',
  step(state, by) {
    const total = (state?.total ?? 0) + by
    return { result: total, next: { state: { total }, ttlMs: 60_000 } }
  },
  lua: `
    local by = tonumber(ARGV[1])
    local total = (tonumber(read('total')) or 0) + by
    update(60000, 'total', total)
    return { total }
  `,
  encode: (by) => [by],
  decode: ([total]) => Number(total),
})
