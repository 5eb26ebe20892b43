import { type Component, Failure } from './component.ts'
import { startService } from './service.ts'

/** Brings the database and, where that is its own, the queue to what this release needs. It has an end. */
export const migrate: Component = async (context) => {
  const migration = startService({ name: 'migrate', env: { ...context.env, ROLE: 'migrate' } }, context)
  const { code, signal } = await migration.exited
  if (code !== 0) throw new Failure(`The migration has failed (${signal ?? `exit code ${code}`}).`, code || 1)
  return {}
}
