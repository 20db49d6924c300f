import { valueKey } from '@holdfast/adapter'
import { eachAdapter } from '@holdfast/test/adapters'
import { expect, it } from '@jest/globals'
import { acquire } from './sample-operations.ts'

const HALF = '{\ud83d}'
const OTHER_HALF = '{\udca9}'
const KEPT = '{\ufffd}'

eachAdapter((makeAdapter) => {
  it('takes halves of surrogate pairs in a key for the one character that they are in UTF-8', async () => {
    const adapter = makeAdapter()
    const args = { owner: 'ann', leaseMs: 60_000 }
    expect(await adapter.run(acquire, HALF, args)).toMatchObject({ held: true })
    expect(await adapter.run(acquire, OTHER_HALF, { ...args, owner: 'bob' })).toMatchObject({ held: false })
    await adapter.set(valueKey(HALF), Buffer.from('v'), 60_000)
    expect(await adapter.get(valueKey(OTHER_HALF))).toEqual(Buffer.from('v'))
    expect(await adapter.getMany([valueKey(KEPT)])).toEqual([Buffer.from('v')])
    const found: string[] = []
    for await (const key of adapter.scan(HALF)) found.push(key)
    expect(found).toHaveLength(2)
    expect(found).toEqual(expect.arrayContaining([KEPT, valueKey(KEPT)]))
    await adapter.delete(valueKey(OTHER_HALF))
    expect(await adapter.get(valueKey(HALF))).toBeUndefined()
  })
})
