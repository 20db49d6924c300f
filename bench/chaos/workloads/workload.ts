/** What clients do all the time, and what must be true of it. */
export interface Workload {
  readonly name: string
  /** How many clients do it at once. */
  readonly clients: number
  /** What a client does once. */
  visit(): Promise<void>
  /** Redis is well, and nobody is at work: all is free, and there again. */
  rest(): Promise<void>
}
