import { callCases } from './call-cases.ts'
import type { ContractCase, MakeAdapter } from './contract.ts'
import { eventCases } from './event-cases.ts'
import { stateCases } from './state-cases.ts'
import { valueCases } from './value-cases.ts'

/**
 * What every adapter must do, as cases for any test runner.
 *
 * @param makeAdapter Makes an adapter that goes by the clock it is given. One that cannot is tested in real time, less exactly.
 */
export function adapterContract(makeAdapter: MakeAdapter): ContractCase[] {
  return [...valueCases(makeAdapter), ...stateCases(makeAdapter), ...eventCases(makeAdapter), ...callCases(makeAdapter)]
}
