import type { Config, Environment } from '../config.ts'
import { type VariableName, variables } from './variables.ts'

const MASK = '********'

/** The effective configuration as `NAME=value` lines, secrets masked, and where each value comes from. */
export function describeConfig(config: Config, environment: Environment): string {
  const lines = (Object.keys(variables) as VariableName[]).flatMap((name) => {
    const value = config[name]
    if (value === undefined) return []
    const fromFile = variables[name].isSecret && !environment[name]
    const origin = fromFile ? `from ${name}_FILE` : environment[name] ? 'from the environment' : 'default'
    return [`${name}=${typeof value === 'object' ? MASK : value}  # ${origin}`]
  })
  return [`# tier ${config.tier}`, ...lines].join('\n')
}

/** The reference table of docs/configuration.md. */
export function configurationTable(): string {
  const rows = Object.entries(variables).map(([name, kind]) => {
    const names = kind.isSecret ? `\`${name}\`, \`${name}_FILE\`` : `\`${name}\``
    const fallback = kind.fallback === undefined ? '' : `\`${kind.fallback}\``
    return `| ${names} | ${kind.expected} | ${fallback} | ${kind.about} |`
  })
  return ['| variable | expected | default | meaning |', '|---|---|---|---|', ...rows].join('\n')
}
