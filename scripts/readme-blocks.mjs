// Type-checks the code blocks of the documents against the sources. A block stands alone; one whose fence says
// `ts continued` goes on where the block before it ended.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { tool } from './command.mjs'
import { packages, root } from './repo.mjs'

const folder = join(root, '.readme')
const documents = [
  'README.md',
  'CONTRIBUTING.md',
  'ARCHITECTURE.md',
  ...decisions(),
  ...packages().flatMap((each) => [`${each.folder}/README.md`, `${each.folder}/MIGRATING.md`]),
]

const blocks = documents.filter((path) => existsSync(join(root, path))).flatMap(blocksOf)
if (existsSync(join(root, 'README.md')) && !blocks.some(({ path }) => path === 'README.md'))
  fail('README.md has no ts or js block')
if (blocks.length > 0) await check()
console.log(`${blocks.length} code blocks`)

async function check() {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder)
  for (const { file, lines } of blocks) writeFileSync(join(folder, file), lines.map(({ text }) => `${text}\n`).join(''))
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ extends: '../tsconfig.test.json', include: ['*.ts'] }))
  await tool('tsc', '-p', '.readme', '--pretty', 'false').catch((error) => fail(inDocuments(error.message)))
}

function blocksOf(path) {
  const found = []
  let open
  readFileSync(join(root, path), 'utf8')
    .split(/\r?\n/)
    .forEach((text, index) => {
      const [, indent = '', fence, language, note] = /^(\s*)(`{3,}|~{3,})\s*(\w*)\s*(.*)$/.exec(text) ?? []
      if (open === undefined) {
        if (fence === undefined) return
        open = { indent, fence, block: blockFor(language, note) }
      } else if (fence?.startsWith(open.fence) && language === '' && note === '') open = undefined
      else
        open.block?.lines.push({ text: text.startsWith(open.indent) ? text.slice(open.indent.length) : text, number: index + 1 })
    })
  if (open !== undefined) fail(`${path} ends within a code block`)
  return found

  function blockFor(language, note) {
    if (language !== 'ts' && language !== 'js') return undefined
    if (note === 'continued') return found.at(-1) ?? fail(`${path} continues a block, but there is none before it`)
    const file = `${path.replaceAll('/', '-').replace(/\.md$/, '')}-${found.length + 1}.ts`
    found.push({ path, file, lines: [] })
    return found.at(-1)
  }
}

/** Where tsc names a line of a block, names it in the document. */
function inDocuments(output) {
  return output.replaceAll(/^\.readme\/([^(]+)\((\d+),(\d+)\)/gm, (place, file, line) => {
    const block = blocks.find((each) => each.file === file)
    return block === undefined ? place : `${block.path}:${block.lines[line - 1]?.number}`
  })
}

function decisions() {
  const names = existsSync(join(root, 'decisions')) ? readdirSync(join(root, 'decisions')) : []
  return names.filter((name) => name.endsWith('.md')).map((name) => `decisions/${name}`)
}

function fail(message) {
  console.error(message)
  process.exit(1)
}
