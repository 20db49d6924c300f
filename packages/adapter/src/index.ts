export type { Adapter, AdapterEvent, AdapterEvents, CallOptions, EventListener } from './adapter.ts'
export {
  AdapterError,
  AdapterFullError,
  AdapterTimeoutError,
  AdapterUnavailableError,
  AdapterWrongTypeError,
  OperationError,
  isAdapterError,
} from './errors.ts'
export { subjectKey } from './keys.ts'
export { type Operation, type RedisArgument, type RedisReply, type Transition, defineOperation } from './operation.ts'
export type { AdapterCall } from './trace.ts'
