export { addressOf, trustsProxies } from './node/address.ts'
export { type FrontOptions, front } from './node/front.ts'
export { type NodeMiddleware, toNode } from './node/to-node.ts'
export type { TrustProxy } from './node/trust-proxy.ts'
