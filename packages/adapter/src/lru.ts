export { createLru, type Lru, type LruOptions } from './memory/lru.ts'
