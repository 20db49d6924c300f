// Builds the CommonJS twin of every package, beside the ES modules that `tsc -b` has built.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { tool } from './command.mjs'
import { packages, root } from './repo.mjs'

for (const { folder } of packages()) {
  await tool('tsc', '-p', `${folder}/tsconfig.cjs.json`)
  writeFileSync(join(root, folder, 'dist/cjs/package.json'), '{ "type": "commonjs" }\n')
}
