import type { Registry } from 'prom-client'
import type { Config } from '../config.ts'
import type { ServiceState } from '../lifecycle.ts'
import type { LogOutput } from '../log.ts'
import type { DependencyStatus } from '../ports/dependency.ts'
import type { Imports } from '../ports/imports.ts'
import type { ItemReader } from '../ports/item-reader.ts'
import type { Store } from '../ports/store.ts'

/** What the routes work with: the process's parts, each made once. */
export interface RouteContext {
  readonly config: Config
  readonly store: Store
  readonly imports: Imports
  /** The quick way to read an item; undefined without a cache. */
  readonly reader: ItemReader | undefined
  readonly dependencies: Readonly<Record<string, () => DependencyStatus>>
  readonly state: ServiceState
  readonly registry: Registry
  readonly output: LogOutput
  /** The service's own version, as released. */
  readonly version: string
}
