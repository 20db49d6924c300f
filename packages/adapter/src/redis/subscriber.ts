/** How long a connection for subscriptions may take until it stands, and then until they do. */
export const CONNECT_MS = 2_000

/** Clients themselves wait for ever for a server that takes the connection and says nothing. */
export async function inTime(standing: Promise<unknown>, giveUp: () => void): Promise<void> {
  const timer = setTimeout(giveUp, CONNECT_MS)
  try {
    await standing
  } finally {
    clearTimeout(timer)
  }
}

/** On a Cluster every master passes on every message: any of them will do. */
export function anyOf<T>(nodes: readonly T[]): T {
  const node = nodes[Math.floor(Math.random() * nodes.length)]
  if (node === undefined) throw new Error('no master of the Cluster is known yet')
  return node
}
