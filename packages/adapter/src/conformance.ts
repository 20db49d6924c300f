export { adapterContract } from './conformance/adapter-contract.ts'
export type { ContractCase, MakeAdapter } from './conformance/contract.ts'
export { type OperationContractOptions, operationContract } from './conformance/operation-contract.ts'
