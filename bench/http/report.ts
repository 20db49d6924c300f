import { type Cost, costs } from './cost.ts'

/** Measures apps side by side, and prints each beside the first one whose name begins alike: the bare framework. */
export async function report(what: string, names: readonly string[], options: Parameters<typeof costs>[1]): Promise<void> {
  const measured = await costs(names, options)
  console.log(`\n${what}: requests a second, of bare; CPU a request, over bare`)
  for (const [name, { perSecond, cpuMicros }] of measured) {
    const framework = name.split(',')[0] ?? ''
    const bare = [...measured].find(([other]) => other.split(',')[0] === framework)?.[1] ?? NOTHING
    const ratio = (perSecond / bare.perSecond).toFixed(2)
    const over = (cpuMicros - bare.cpuMicros).toFixed(1)
    console.log(
      `  ${name.padEnd(42)} ${Math.round(perSecond).toLocaleString('en-US').padStart(7)} ${ratio}  ${cpuMicros.toFixed(1).padStart(6)} us ${over.padStart(6)} us`,
    )
  }
}

const NOTHING: Cost = { cpuMicros: 0, perSecond: 0 }
