import { readFileSync } from 'node:fs'

/** A statement that the server parses and plans once a session. Its SQL is in the file of its name. */
export interface Statement {
  readonly name: string
  readonly text: string
}

export function sqlOf(name: string): string {
  return readFileSync(new URL(`sql/${name}.sql`, import.meta.url), 'utf8')
}

export function statement(name: string): Statement {
  return { name, text: sqlOf(name) }
}
