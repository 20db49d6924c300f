// Runs every check but the tests: `npm run check`, or `npm run check -- lint pack` for those whose names hold a word.
import { checks, runChecks } from './checks.mjs'

const words = process.argv.slice(2)
const chosen = checks.filter(({ name }) => words.length === 0 || words.some((word) => name.includes(word)))
const { passed, failed } = await runChecks(chosen)
console.log(`${passed} passed, ${failed} failed`)
if (failed > 0 || passed === 0) process.exitCode = 1
