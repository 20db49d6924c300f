// What has to hold besides the tests. A check fails by throwing an error that shows why.
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { run, tool } from './command.mjs'
import { loadEntries } from './load-entries.mjs'
import { lintTarballs, pack } from './packed.mjs'
import { packages, root } from './repo.mjs'

export const checks = [
  {
    name: 'format and lint',
    run: () => tool('biome', 'ci', '--colors=off', '--error-on-warnings', '--max-diagnostics=100', '.'),
  },
  { name: 'build', run: build },
  // Tests belong to no project of `tsc -b`: the linter knows the types of packages from what was built.
  { name: 'typed lint', run: () => tool('oxlint', '--type-aware', '--deny-warnings') },
  { name: 'types of tests and examples', run: () => tool('tsc', '-p', 'tsconfig.test.json') },
  { name: 'unused code', run: () => tool('knip', '--no-progress') },
  { name: 'code blocks', run: () => run(process.execPath, ['scripts/readme-blocks.mjs']) },
  { name: 'pack', run: pack },
  { name: 'publint', run: () => lintTarballs('publint', 'run', '--strict') },
  { name: 'are the types wrong', run: () => lintTarballs('attw', '--profile', 'node16') },
  { name: 'install and load', run: loadEntries },
]

/** Runs checks in turn, one line each, with the output of those that fail. */
export async function runChecks(all) {
  const counts = { passed: 0, failed: 0 }
  for (const { name, run: check } of all) {
    const start = performance.now()
    const complaint = await check().then(
      () => undefined,
      (error) => String(error?.message ?? error),
    )
    const seconds = ((performance.now() - start) / 1000).toFixed(1)
    console.log(`${complaint === undefined ? 'ok    ' : 'FAILED'} ${name} (${seconds} s)`)
    if (complaint === undefined) counts.passed++
    else {
      counts.failed++
      console.log(complaint.trimEnd().replaceAll(/^/gm, '    '))
    }
  }
  return counts
}

async function build() {
  for (const { folder } of packages()) rmSync(join(root, folder, 'dist'), { recursive: true, force: true })
  await tool('tsc', '-b')
  await run(process.execPath, ['scripts/build-cjs.mjs'])
}
