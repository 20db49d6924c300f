/** Something that is done many times; `calls` in flight at once. */
export interface Subject {
  readonly name: string
  run(): Promise<unknown>
}

/** Calls a second, in one round of `total` calls with `inFlight` of them at once. */
export async function throughput({ run }: Subject, total: number, inFlight: number): Promise<number> {
  let left = total
  async function worker(): Promise<void> {
    while (left > 0) {
      left -= 1
      await run()
    }
  }
  const started = performance.now()
  await Promise.all(Array.from({ length: inFlight }, worker))
  return total / ((performance.now() - started) / 1_000)
}

/** The median throughput of each subject, over rounds in which they take turns: so that noise meets both alike. */
export async function sideBySide(
  subjects: readonly Subject[],
  { total, inFlight, rounds = 15 }: { total: number; inFlight: number; rounds?: number },
): Promise<number[]> {
  const measured = subjects.map((): number[] => [])
  for (let round = 0; round <= rounds; round += 1) {
    for (const [index, subject] of subjects.entries()) {
      const perSecond = await throughput(subject, total, inFlight)
      if (round > 0) measured[index]?.push(perSecond) // the first warms up
    }
  }
  return measured.map(median)
}

export function median(numbers: readonly number[]): number {
  return [...numbers].sort((a, b) => a - b)[numbers.length >> 1] ?? 0
}

export function thousands(perSecond: number): string {
  return `${Math.round(perSecond).toLocaleString('en-US').padStart(9)}/s`
}

/** The elements one after the other, again and again. */
export function cycle(elements: readonly string[]): () => string {
  let turn = 0
  return () => {
    turn = (turn + 1) % elements.length
    return elements[turn] ?? ''
  }
}
