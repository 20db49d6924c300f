import { newToken } from '@holdfast/adapter/lease'
import { expect, it } from '@jest/globals'

it('makes tokens of 128 bits, none of which has a part of another', () => {
  const tokens = Array.from({ length: 2_000 }, newToken)
  for (const token of tokens) expect(token).toMatch(/^[\w-]{22}$/)
  expect(new Set(tokens.flatMap((token) => [token.slice(0, 11), token.slice(11)])).size).toBe(4_000)
})
