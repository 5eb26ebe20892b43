import type { Log } from './log.ts'
import type { DependencyStatus } from './ports/dependency.ts'

export type Status = 'starting' | 'ok' | 'degraded' | 'draining'

/** What the service says about itself to balancers and to people. */
export interface ServiceState {
  status(): Status
  /** Once the store has been reached, only draining makes unready: a lost dependency makes `degraded`. */
  isReady(): boolean
  isDraining(): boolean
  /** Aborts when the service begins to drain. */
  readonly draining: AbortSignal
}

export interface Lifecycle extends ServiceState {
  started(): void
  drain(): void
}

export function createLifecycle(dependencies: Readonly<Record<string, () => DependencyStatus>>): Lifecycle {
  const draining = new AbortController()
  let hasStarted = false
  let isDraining = false
  return {
    draining: draining.signal,
    started() {
      hasStarted = true
    },
    drain() {
      isDraining = true
      draining.abort()
    },
    isDraining: () => isDraining,
    isReady: () => hasStarted && !isDraining,
    status() {
      if (isDraining) return 'draining'
      if (!hasStarted) return 'starting'
      return Object.values(dependencies).every((status) => status().state === 'ok') ? 'ok' : 'degraded'
    },
  }
}

/** One step of a start or a stop. A step that takes longer than its budget is left behind, and the next one begins. */
export interface Step {
  readonly name: string
  readonly budgetMs: number
  run(): Promise<void> | void
}

/** Runs the steps in order, says of each how long it took, and resolves to whether all of them succeeded in time. */
export async function runInOrder(steps: readonly Step[], log: Log): Promise<boolean> {
  let allWell = true
  for (const step of steps) {
    const startMs = performance.now()
    const fault = await runStep(step)
    const tookMs = Math.round(performance.now() - startMs)
    if (fault === undefined) log.info({ step: step.name, tookMs }, 'step done')
    else log.error({ step: step.name, tookMs, budgetMs: step.budgetMs, err: fault }, 'step failed')
    allWell &&= fault === undefined
  }
  return allWell
}

async function runStep({ budgetMs, run }: Step): Promise<unknown> {
  const { promise: late, resolve } = Promise.withResolvers<Error>()
  const timer = setTimeout(() => resolve(new Error(`not done within ${budgetMs} ms`)), budgetMs)
  try {
    return await Promise.race([Promise.resolve(run()), late])
  } catch (error) {
    return error
  } finally {
    clearTimeout(timer)
  }
}
