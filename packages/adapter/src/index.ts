export type { Adapter, AdapterEvent, AdapterEvents, CallOptions, EventListener } from './adapter.ts'
export {
  AdapterError,
  AdapterFullError,
  AdapterTimeoutError,
  AdapterUnavailableError,
  AdapterWrongTypeError,
  isAdapterError,
  isClosedError,
  mayHaveRun,
  OperationError,
} from './errors.ts'
export { subjectKey, valueKey } from './keys.ts'
export { defineOperation, type Operation, type RedisArgument, type RedisReply, type Transition } from './operation.ts'
export { perAdapter } from './per-adapter.ts'
export type { AdapterCall, CircuitEvent } from './trace.ts'
