/** @jest-config-loader esbuild-register */
import type { Config } from 'jest'

const config: Config = {
  testMatch: ['<rootDir>/{packages,examples,bench,test}/**/*.test.ts'],
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
  collectCoverageFrom: ['packages/*/src/**/*.ts'],
  coverageProvider: 'v8',
  testTimeout: 20_000,
  workerIdleMemoryLimit: '1GB', // the modules of each file stay in memory: a hundred files slow the last ones to half
}

export default config
