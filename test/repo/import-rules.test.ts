import { describe, expect, it } from '@jest/globals'
import { type Exception, violations } from './import-rules.ts'
import type { Package } from './source-tree.ts'
import { packagesHere, sourcesHere } from './workspace.ts'

const EXCEPTIONS: readonly Exception[] = [
  {
    from: 'packages/adapter/src/conformance/differential.ts',
    to: 'packages/adapter/src/memory.ts',
    why: 'memory is what every other adapter is compared with, and its factory is the entry',
  },
]

describe('the packages of this repository', () => {
  it('import only what they may', () => {
    const sources = sourcesHere()
    expect(sources.size).toBeGreaterThan(20)
    expect(violations(sources, packagesHere(), EXCEPTIONS)).toEqual([])
  })
})

describe('a tree of small packages', () => {
  it('is fine as it is', () => {
    expect(violationsWith({})).toEqual([])
  })

  it.each([
    ['of a lower layer that imports a higher one', 'adapter/src/lonely.ts', "import '@holdfast/lock'", 'layer 2'],
    ['that imports sideways', 'lock/src/limiter.ts', "import type { A } from '@holdfast/cache'", 'layer 2'],
    ['that imports its own package by name', 'lock/src/limiter.ts', "import '@holdfast/lock'", 'layer 2'],
    ['that imports what a package keeps inside', 'lock/src/limiter.ts', "import '@holdfast/adapter/keys'", 'no package exports'],
    ['that imports the tests', 'lock/src/limiter.ts', "import '@holdfast/test/redis'", 'no package exports'],
    ['that leaves its src', 'lock/src/limiter.ts', "import '../../adapter/src/keys.ts'", "its package's src"],
    ['that leaves its src for a test', 'lock/src/limiter.ts', "import '../test/fixture.ts'", "its package's src"],
    ['that leaves out the extension', 'lock/src/limiter.ts', "import './key'", 'full name'],
    ['that imports an entry of its own package', 'lock/src/limiter.ts', "import type { A } from './koa.ts'", 'an entry'],
    ['of the engine that imports the handler', 'lock/src/limiter.ts', "import { handler } from './handler.ts'", 'of handler'],
    ['without a rank that imports the handler', 'lock/src/lonely.ts', "import './handler.ts'", 'of handler'],
    ['of the operations that imports the engine', 'lock/src/operations/release.ts', "import '../engine.ts'", 'of engine'],
    ['that loads a framework', 'lock/src/koa.ts', "import { type Context } from 'koa'", 'import type'],
    ['that loads a framework later', 'lock/src/koa.ts', "const koa = () => import('koa')", 'import type'],
    ['that names a framework elsewhere', 'lock/src/limiter.ts', "import type { Context } from 'koa'", 'no place'],
    ['that names the other framework', 'lock/src/express.ts', "import type { Context } from 'koa'", 'no place'],
    ['that names a Redis client', 'adapter/src/keys.ts', "import type { Redis } from 'ioredis'", 'no place'],
    ['that names the LRU', 'lock/src/limiter.ts', "import { LRUCache } from 'lru-cache'", 'no place'],
    ["that exports another package's names", 'lock/src/index.ts', "export type * from '@holdfast/adapter'", 'from there'],
    [
      'that imports names and exports them',
      'lock/src/index.ts',
      "import { a } from '@holdfast/adapter'\nexport { a }",
      'from there',
    ],
    ['that only passes on', 'lock/src/limiter.ts', "export { key } from './key.ts'", 'barrel'],
    ['that imports a builtin by its bare name', 'lock/src/limiter.ts', "import 'fs/promises'", 'write node:fs/promises'],
    ['that imports what is not declared', 'lock/src/limiter.ts', "import 'left-pad'", 'neither a dependency'],
    [
      'that mentions an undeclared type',
      'lock/src/limiter.ts',
      "export type A = import('@left/pad/a').A",
      'neither a dependency',
    ],
    ['that loads what only its types are declared of', 'lock/src/limiter.ts', "import 'on-finished'", 'neither a dependency'],
    ['that imports a computed path', 'lock/src/limiter.ts', 'export const load = (name: string) => import(name)', '(computed)'],
  ])('catches a file %s', (_what, path, source, complaint) => {
    const found = violationsWith({ [`packages/${path}`]: source })
    expect(found).toEqual([expect.stringContaining(complaint)])
    expect(found[0]).toContain(path)
  })

  it('catches an engine that hides behind helpers', () => {
    const hidden = { 'packages/lock/src/key.ts': "import './name.ts'", 'packages/lock/src/name.ts': "import './engine.ts'" }
    const found = violationsWith({ ...hidden, 'packages/lock/src/engine.ts': 'export const engine = 1' })
    expect(found).toEqual([expect.stringContaining('packages/lock/src/operations/acquire.ts imports packages/lock/src/key.ts')])
  })

  it('catches a cycle, of types only as well', () => {
    const found = violationsWith({
      'packages/lock/src/key.ts': "import type { Name } from './name.ts'",
      'packages/lock/src/name.ts': "import { key } from './deep/er.ts'",
      'packages/lock/src/deep/er.ts': "export * as key from '../key.ts'\nexport const own = 1",
    })
    const circle = ['key.ts', 'name.ts', 'deep/er.ts', 'key.ts'].map((name) => `packages/lock/src/${name}`)
    expect(found).toEqual([`${circle.join(' -> ')}: a cycle`])
  })

  it('lets the session store load express-session, and no other package', () => {
    const source = { 'packages/lock/src/express.ts': "import { Store } from 'express-session'" }
    expect(violationsWith(source)).toEqual([expect.stringContaining('import type')])
    const store = { ...LOCK, folder: 'session-store' }
    expect(violations(renamed({ ...TREE, ...source }, 'lock', 'session-store'), [ADAPTER, store])).toEqual([])
  })

  it.each([
    ['below src', './deep', './src/deep/er.ts'],
    ['by another name', './other', './src/index.ts'],
    ['that is not there', './other', './src/other.ts'],
  ])('catches an entry %s', (_what, entry, source) => {
    const lock = { ...LOCK, exports: { ...LOCK.exports, [entry]: { '@holdfast/source': source } } }
    expect(violations(new Map(Object.entries(TREE)), [ADAPTER, CACHE, lock])).toEqual([
      expect.stringContaining(`exports ${entry}`),
    ])
  })

  it('catches a package that is in no layer', () => {
    const files = renamed(TREE, 'lock', 'queue')
    expect(violations(files, [ADAPTER, { ...LOCK, folder: 'queue' }])).toEqual([
      expect.stringContaining('packages/queue has no layer'),
    ])
  })

  it('excuses an exception, and complains of one that excuses nothing', () => {
    const [from, to] = ['packages/lock/src/demo.ts', 'packages/lock/src/koa.ts']
    const exception = { from, to, why: 'for the test' }
    const files = new Map(Object.entries({ ...TREE, [from]: "import './koa.ts'" }))
    expect(violations(files, [ADAPTER, CACHE, LOCK], [exception])).toEqual([])
    expect(violations(new Map(Object.entries(TREE)), [ADAPTER, CACHE, LOCK], [exception])).toEqual([
      expect.stringContaining('remove the exception'),
    ])
  })
})

const ADAPTER: Package = {
  folder: 'adapter',
  exports: { '.': { '@holdfast/source': './src/index.ts' } },
  dependencies: { '@holdfast/lock': '1', 'lru-cache': '1' },
  peerDependencies: { ioredis: '1' },
}

const CACHE: Package = { folder: 'cache', exports: { '.': { '@holdfast/source': './src/index.ts' } } }

const LOCK: Package = {
  folder: 'lock',
  exports: {
    '.': { '@holdfast/source': './src/index.ts' },
    './koa': { '@holdfast/source': './src/koa.ts' },
    './express': { '@holdfast/source': './src/express.ts' },
  },
  dependencies: {
    '@holdfast/adapter': '1',
    '@holdfast/cache': '1',
    '@holdfast/lock': '1',
    '@holdfast/test': '1',
    'lru-cache': '1',
    '@types/on-finished': '1',
  },
  peerDependencies: { '@types/koa': '1', koa: '1', 'express-session': '1' },
}

const TREE: Readonly<Record<string, string>> = {
  'packages/adapter/src/index.ts': "export { key } from './keys.ts'",
  'packages/adapter/src/keys.ts': "import { createHash } from 'node:crypto'\nimport { LRUCache } from 'lru-cache'",
  'packages/adapter/src/redis/open.ts': "const { Redis } = await import('ioredis')",
  'packages/cache/src/index.ts': 'export const cache = 1',
  'packages/lock/src/index.ts': "export { engine } from './engine.ts'",
  'packages/lock/src/express.ts': "import { handler } from './handler.ts'",
  'packages/lock/src/koa.ts': "import type { Context } from 'koa'\nimport { handler } from './handler.ts'",
  'packages/lock/src/handler.ts': "import { engine } from './engine.ts'",
  'packages/lock/src/engine.ts': "import { acquire } from './operations/acquire.ts'\nimport type { A } from 'on-finished'",
  'packages/lock/src/operations/acquire.ts': "import { key } from '../key.ts'\nimport { run } from '@holdfast/adapter'",
  'packages/lock/src/key.ts': 'export const key = 1',
}

function violationsWith(changes: Readonly<Record<string, string>>): string[] {
  return violations(new Map(Object.entries({ ...TREE, ...changes })), [ADAPTER, CACHE, LOCK])
}

function renamed(tree: Readonly<Record<string, string>>, from: string, to: string): Map<string, string> {
  const kept = Object.entries(tree).filter(([path]) => !path.startsWith('packages/cache/'))
  return new Map(kept.map(([path, source]) => [path.replace(`/${from}/`, `/${to}/`), source]))
}
