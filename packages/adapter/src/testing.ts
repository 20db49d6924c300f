export { type CountingAdapter, type Counts, counting } from './testing/counting.ts'
export { type FailingAdapter, failing } from './testing/failing.ts'
export { type FakeClock, fakeClock } from './testing/fake-clock.ts'
export { slow } from './testing/slow.ts'
