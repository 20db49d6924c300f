import { readFileSync } from 'node:fs'
import { expect, it } from '@jest/globals'

interface Score {
  readonly passed: number
  readonly of: number
}
interface Figures {
  readonly modes: Readonly<
    Record<'rfc' | 'app', Readonly<Record<'required' | 'optimal' | 'check', Score>> & { readonly failed: object }>
  >
}

const read = (name: string): string => readFileSync(new URL(`../${name}`, import.meta.url), 'utf8')

it('has the README say what the figures of cache-tests are, and a reason for each test that fails', () => {
  const { modes } = JSON.parse(read('cache-tests.json')) as Figures // as it is written beside this package
  for (const [mode, { required, optimal, check, failed }] of Object.entries(modes)) {
    const row = [required, optimal, check].map(({ passed, of }) => `${passed} of ${of}`).join(' | ')
    expect(read('README.md')).toContain(`| \`mode: '${mode}'\` | ${row} |`)
    const missing = [required, optimal, check].reduce((sum, { passed, of }) => sum + of - passed, 0)
    expect(Object.keys(failed)).toHaveLength(missing)
    for (const reason of Object.values(failed)) expect(reason).toMatch(/^(required|optimal|check): .{10}/)
  }
})
