import { once } from 'node:events'
import { connect } from 'node:net'

export const GET = 'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n'

/** Sends `total` requests over so many connections, on each one after the other, and reads whole responses. */
export async function load(port: number, total: number, connections: number, nextRequest: () => string): Promise<void> {
  let left = total

  async function client(): Promise<void> {
    const socket = connect(port, '127.0.0.1').setNoDelay()
    await once(socket, 'connect')
    let response = ''
    const done = once(socket, 'close')
    function next(): void {
      left -= 1
      if (left < 0) socket.destroy()
      else socket.write(nextRequest())
    }
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      response += chunk
      if (!isWhole(response)) return
      response = ''
      next()
    })
    next()
    await done
  }

  await Promise.all(Array.from({ length: connections }, client))
}

function isWhole(response: string): boolean {
  const head = response.indexOf('\r\n\r\n')
  if (head < 0) return false
  const [, length = '0'] = /\r\ncontent-length: (\d+)/i.exec(response) ?? []
  return response.length >= head + 4 + Number(length)
}
