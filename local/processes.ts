import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { listProcesses } from './process-table.ts'

const OUTPUT_LINES_MAX = 1000
const STOP_TIMEOUT_MS = 30_000

export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface StartOptions {
  readonly command: string
  readonly args?: readonly string[]
  /** Replaces this process's environment. */
  readonly env?: NodeJS.ProcessEnv
  readonly cwd?: string
  /** What asks it to end (SIGTERM), also when this process is killed. */
  readonly stopSignal?: StopSignal
  /** Called with every line of output as it arrives. */
  readonly onLine?: (line: string, stream: 'stdout' | 'stderr') => void
}

export type StopSignal = 'SIGTERM' | 'SIGINT' | 'SIGQUIT'

export interface RunningProcess {
  readonly pid: number
  /** The last 1,000 lines of stdout and stderr, in the order in which they were read. */
  readonly output: readonly string[]
  /** Resolves when the process has ended and its output has been read to the end; never rejects. */
  readonly exited: Promise<Exit>
  /** Resolves to the first line that matches, past ones included. Rejects at the deadline or when the process ends. */
  line(pattern: RegExp, options: { timeoutMs: number }): Promise<string>
  /** Sends a signal to this process alone. Returns false when it has ended. */
  signal(name: NodeJS.Signals): boolean
  /** Sends `signal` (its `stopSignal`), and SIGKILL to the process and its children after `timeoutMs` (30,000). */
  stop(options?: { signal?: NodeJS.Signals; timeoutMs?: number }): Promise<Exit>
}

/** Each with the stage that it was started in. */
const running = new Map<RunningProcess, number>()
let stage = 0
let stopping = false

/**
 * Starts a process that cannot outlive this one, also when this one is killed. It leads a session of its own, so
 * that Ctrl-C in the terminal reaches only whoever started it. A command that cannot be run exits with 126 or 127.
 */
export function startProcess(options: StartOptions): RunningProcess {
  if (stopping) throw new Error('nothing is started any more: stopProcesses has been called')
  const { command, args = [], env, cwd, stopSignal = 'SIGTERM' } = options
  const reaper = theReaper()
  // The shell registers itself before it becomes the command: at no moment is there a process the reaper misses.
  const registered = `echo "+ $$ ${stopSignal.slice(3)}" >&3 && exec "$@" 3>&-`
  const child = spawn('/bin/sh', ['-c', registered, command, command, ...args], {
    env,
    cwd,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', reaper],
  })
  const started = handle(child, options)
  running.set(started, stage)
  child.once('exit', () => {
    running.delete(started)
    reaper.write(`- ${started.pid}\n`)
  })
  return started
}

/** Removes a folder when this process and all that it started have ended, however. */
export function removeAtEnd(folder: string): void {
  theReaper().write(`/ ${folder}\n`)
}

/** What is started from here on needs what was started before. */
export function beginStage(): void {
  stage++
}

/**
 * Stops what `startProcess` started and still runs: the last stage first, what is of one stage at the same time. It
 * starts nothing afterwards.
 */
export async function stopProcesses(): Promise<void> {
  stopping = true
  for (; stage >= 0; stage--) {
    const ofStage = [...running].filter(([, startedIn]) => startedIn === stage)
    await Promise.all(ofStage.map(([started]) => started.stop()))
  }
}

/** Whether `stopProcesses` has been called: then an end is no surprise. */
export function isStopping(): boolean {
  return stopping
}

/** Ends what `startProcess` started, and the children of those, at once. */
export function killProcesses(): void {
  for (const { pid } of running.keys()) killWithChildren(pid)
}

function handle(child: ChildProcess, { onLine, stopSignal = 'SIGTERM' }: StartOptions): RunningProcess {
  const { pid } = child
  if (pid === undefined) throw new Error('/bin/sh cannot be started')
  const output: string[] = []
  const listeners = new Set<(line: string) => void>()
  for (const stream of ['stdout', 'stderr'] as const) {
    createInterface({ input: child[stream] as NodeJS.ReadableStream }).on('line', (line) => {
      if (output.push(line) > OUTPUT_LINES_MAX) output.shift()
      onLine?.(line, stream)
      for (const listener of listeners) listener(line)
    })
  }
  const exited = once(child, 'close').then(([code, signal]): Exit => ({ code, signal }))

  return {
    pid,
    output,
    exited,
    async line(pattern, { timeoutMs }) {
      const { promise, resolve } = Promise.withResolvers<string>()
      const listener = (line: string) => pattern.test(line) && resolve(line)
      output.forEach(listener)
      listeners.add(listener)
      const end = new AbortController()
      const late = delay(timeoutMs, `no line within ${timeoutMs} ms`, { signal: end.signal })
      try {
        const ended = exited.then(({ code, signal }) => `it ended (${signal ?? code})`)
        const missing = Promise.race([late, ended]).then((reason) => {
          throw new Error(`${pattern}: ${reason}\n${output.slice(-20).join('\n')}`)
        })
        return await Promise.race([promise, missing])
      } finally {
        listeners.delete(listener)
        end.abort()
      }
    },
    signal: (name) => child.kill(name),
    async stop({ signal = stopSignal, timeoutMs = STOP_TIMEOUT_MS } = {}) {
      child.kill(signal)
      const timer = setTimeout(() => killWithChildren(pid), timeoutMs)
      try {
        return await exited
      } finally {
        clearTimeout(timer)
      }
    },
  }
}

/** A child may lead a group of its own, as every process of PostgreSQL does. */
function killWithChildren(pid: number): void {
  const children = listProcesses().filter(({ parent }) => parent === pid)
  for (const target of [-pid, ...children.map((child) => child.pid)]) sendSignal(target, 'SIGKILL')
}

/** To the process, or to a group when `target` is negative. Returns false when it has ended. */
export function sendSignal(target: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(target, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    return false
  }
}

/**
 * Told by `+ PID SIGNAL` and `- PID` which process groups there are, and what asks each of them to end; by `/ FOLDER`
 * what is to be removed then. When its input ends, this process has ended, however: those left get their signal (and
 * SIGCONT, for one that is stopped cannot end) and, 5 s later, SIGKILL. So do their children, which may lead groups of
 * their own.
 */
const REAPER = `
trap '' HUP INT QUIT TERM
exec 2>/dev/null
children() {
  if [ -e /proc/self/stat ]; then
    for stat in /proc/[0-9]*/stat; do
      read -r pid name state parent rest <"$stat" && [ "$parent" = "$1" ] && echo "$pid"
    done
  else
    pgrep -P "$1"
  fi
}
ended() {
  tries=0
  while [ "$tries" -lt 50 ]; do
    left=
    for group in $groups; do kill -s 0 -- "-\${group%:*}" && left="$left $group"; done
    groups=$left
    [ -n "$groups" ] || return 0
    tries=$((tries + 1))
    sleep 0.1
  done
  return 1
}
groups=
set --
while read -r change about; do
  case $change in
    +) groups="$groups \${about% *}:\${about#* }" ;;
    -)
      left=
      for other in $groups; do [ "\${other%:*}" = "$about" ] || left="$left $other"; done
      groups=$left
      ;;
    /) set -- "$@" "$about" ;;
  esac
done
for group in $groups; do
  kill -s "\${group#*:}" -- "-\${group%:*}"
  kill -s CONT -- "-\${group%:*}" $(children "\${group%:*}")
done
if ! ended; then
  for group in $groups; do kill -s KILL -- "-\${group%:*}" $(children "\${group%:*}"); done
  [ "$#" = 0 ] || ended
fi
[ "$#" = 0 ] || rm -rf -- "$@"
`

let reaperInput: Socket | undefined

/** The input of the one reaper of this process, which is started with the first child. */
function theReaper(): Socket {
  if (reaperInput === undefined) {
    const reaper = spawn('/bin/sh', ['-c', REAPER], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] })
    reaper.unref()
    reaperInput = reaper.stdin as Socket
    reaperInput.unref()
  }
  return reaperInput
}
