import type { Registry } from 'prom-client'
import type { Config } from '../config.ts'
import type { ServiceState } from '../lifecycle.ts'
import type { LogOutput } from '../log.ts'
import type { Store } from '../ports/store.ts'

/** What the routes work with: the process's parts, each made once. */
export interface RouteContext {
  readonly config: Config
  readonly store: Store
  readonly state: ServiceState
  readonly registry: Registry
  readonly output: LogOutput
  /** The service's own version, as released. */
  readonly version: string
}
