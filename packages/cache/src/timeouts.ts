/**
 * What comes first: the promise, or a time. The promise is waited for elsewhere as well, or its end is nobody's concern.
 *
 * @param ms `Infinity` waits for the promise, whatever it takes
 */
export async function within<T>(promise: Promise<T>, ms: number, late: () => T): Promise<T> {
  if (ms === Number.POSITIVE_INFINITY) return promise
  let timer: NodeJS.Timeout | undefined
  const over = new Promise<T>((resolve) => {
    timer = setTimeout(() => resolve(late()), ms)
  })
  try {
    return await Promise.race([promise, over])
  } finally {
    clearTimeout(timer)
  }
}
