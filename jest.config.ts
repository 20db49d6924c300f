/** @jest-config-loader esbuild-register */
import { availableParallelism } from 'node:os'
import type { Config } from 'jest'

const shared = {
  globalSetup: '<rootDir>/test/src/global-setup.ts',
  globalTeardown: '<rootDir>/test/src/global-teardown.ts',
  extensionsToTreatAsEsm: ['.ts'],
  testEnvironmentOptions: { customExportConditions: ['@holdfast/source', 'node', 'node-addons'] },
  transform: {
    '\\.ts$': [
      '@swc/jest',
      { jsc: { parser: { syntax: 'typescript' }, target: 'es2023' }, module: { type: 'es6' }, sourceMaps: 'inline' },
    ],
  },
  modulePathIgnorePatterns: ['/dist/', '/\\.packed/'],
} satisfies Config

const config: Config = {
  projects: [
    {
      ...shared,
      displayName: 'all but outages',
      testMatch: ['<rootDir>/{packages,examples,bench,test}/**/!(*outage*).test.ts'],
    },
    {
      ...shared,
      displayName: 'outages', // they say how long a request may take while Redis is away
      testMatch: ['<rootDir>/{packages,examples,bench,test}/**/*outage*.test.ts'],
      runner: '<rootDir>/scripts/outage-runner.mjs',
    },
  ],
  collectCoverageFrom: ['packages/*/src/**/*.ts'],
  coverageProvider: 'v8',
  testTimeout: 60_000, // a suite of random sequences takes three times as long beside another on two cores
  maxWorkers: Math.max(2, availableParallelism() - 1),
  workerIdleMemoryLimit: '1GB', // the modules of each file stay in memory: a hundred files slow the last ones to half
}

export default config
