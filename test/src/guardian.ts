import { spawn } from 'node:child_process'
import { Socket } from 'node:net'

/** What is left to do should this process end before it has done so itself. */
export interface Guardian {
  /** The process to end, or none. */
  watch(pid?: number): void
  dismiss(): void
}

const SCRIPT = 'while read -r line; do pid=$line; done; [ -n "$pid" ] && kill -9 "$pid"; rm -rf "$0"'

/**
 * Ends a process and removes its folder when this process ends, in whatever way: the shell sees its input end.
 * A listener to `exit` would hear nothing of SIGKILL, and Jest calls none that a test has set.
 */
export function guardianOf(folder: string): Guardian {
  // In a group of its own, which an interrupt from the terminal does not reach.
  const shell = spawn('sh', ['-c', SCRIPT, folder], { stdio: ['pipe', 'ignore', 'ignore'], detached: true })
  shell.unref()
  if (shell.stdin instanceof Socket) shell.stdin.unref()
  shell.stdin.on('error', () => {})
  return {
    watch: (pid) => void shell.stdin.write(`${pid ?? ''}\n`),
    dismiss: () => void shell.stdin.end(),
  }
}
