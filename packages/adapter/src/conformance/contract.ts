import type { Adapter } from '../adapter.ts'
import type { Operation } from '../operation.ts'

/** One case of a contract, for any test runner: `for (const { name, run } of contract) it(name, run)`. */
export interface ContractCase {
  readonly name: string
  run(): Promise<void>
}

/** Makes an adapter whose clock is `now`. Each case makes its own, and closes it. */
export type MakeAdapter = (now: () => number) => Adapter | Promise<Adapter>

export interface OperationCall {
  readonly operation: Operation<unknown, unknown, unknown>
  readonly args: unknown
}

export const WRONG_TYPE = 'ERR_HOLDFAST_ADAPTER_WRONG_TYPE'

/** Whether an error has this code: errors of two copies of a package are the same by code only. */
export function hasCode(code: string): (error: unknown) => boolean {
  return (error) => typeof error === 'object' && error !== null && 'code' in error && error.code === code
}
