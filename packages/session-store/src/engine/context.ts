import type { Tell } from '../events.ts'
import type { Names } from '../names.ts'
import type { Settings } from '../options.ts'
import type { Codec, Dialect } from '../record.ts'
import type { Run } from './run.ts'
import type { Users } from './users.ts'

/** What all parts of one store share. */
export interface Context {
  readonly settings: Settings
  readonly dialect: Dialect
  readonly codec: Codec
  readonly names: Names
  readonly users: Users
  readonly run: Run
  readonly tell: Tell
}
