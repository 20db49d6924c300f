// Everything that a change has to pass: the tests, the checks, and the examples as they are started by hand.
// The last line counts it all.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { checks, runChecks } from './checks.mjs'
import { killGroup, start } from './command.mjs'
import { smokes } from './smoke.mjs'

const TESTS_MS = 1_200_000
/** How long the tests may take to exit once they have written their results. */
const EXIT_MS = 15_000

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
    const child = start('npm', ['test', '--', '--json', `--outputFile=${results}`], { output: 'inherit' })
    const code = await exitOf(child, results)
    return countsOf(JSON.parse(readFileSync(results, 'utf8')), code)
  } catch (error) {
    console.log(`FAILED npm test left no results: ${error.message}`)
    return { passed: 0, failed: 1 }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function exitOf(child, results) {
  child.on('error', (error) => console.log(`FAILED npm can't run: ${error.message}`))
  for (let end = Date.now() + TESTS_MS; child.exitCode === null && child.signalCode === null; await wait(100)) {
    if (child.pid === undefined) return undefined
    if (existsSync(results)) end = Math.min(end, Date.now() + EXIT_MS)
    if (Date.now() < end) continue
    console.log('FAILED npm test does not exit: something that a test opened is still open')
    killGroup(child)
    return undefined
  }
  return child.exitCode
}

function countsOf({ numPassedTests, numFailedTests, numRuntimeErrorTestSuites }, code) {
  const failures = numFailedTests + numRuntimeErrorTestSuites
  const isUnexplained = code === undefined || numPassedTests === 0 || (code !== 0 && failures === 0)
  return { passed: numPassedTests, failed: failures + (isUnexplained ? 1 : 0) }
}
