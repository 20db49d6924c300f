// Everything that a change has to pass: the tests, the checks, and the examples as they are started by hand.
// The last line counts it all.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checks, runChecks } from './checks.mjs'
import { root, WINDOWS } from './repo.mjs'
import { smokes } from './smoke.mjs'

const counts = [await runTests(), await runChecks([...checks, ...smokes])]
const passed = counts.reduce((sum, each) => sum + each.passed, 0)
const failed = counts.reduce((sum, each) => sum + each.failed, 0)
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1

/** Runs `npm test`. A run that ends badly counts as a failure, even when it has no failed test to show. */
async function runTests() {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-ci-'))
  const results = join(folder, 'jest.json')
  try {
    const args = ['test', '--', '--json', `--outputFile=${results}`]
    const child = spawn('npm', args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'], shell: WINDOWS })
    const [code] = await once(child, 'exit')
    return countsOf(JSON.parse(readFileSync(results, 'utf8')), code)
  } catch (error) {
    console.log(`FAILED npm test left no results: ${error.message}`)
    return { passed: 0, failed: 1 }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function countsOf({ numPassedTests, numFailedTests, numRuntimeErrorTestSuites }, code) {
  const failures = numFailedTests + numRuntimeErrorTestSuites
  const isBad = code !== 0 || numPassedTests === 0
  return { passed: numPassedTests, failed: failures === 0 && isBad ? 1 : failures }
}
