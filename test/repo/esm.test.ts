import { expect, it } from '@jest/globals'

it('runs the tests as ES modules', () => {
  expect(import.meta.url).toMatch(/^file:.*esm\.test\.ts$/)
})
