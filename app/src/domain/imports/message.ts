/** The message that says that an import waits to be applied. */
export const IMPORT_MESSAGE = 'import'

export function importMessageBody(id: string): string {
  return JSON.stringify({ id })
}

/** The import that a message's body names; undefined when it is no such body. */
export function importOfMessage(body: string): string | undefined {
  try {
    const { id } = JSON.parse(body)
    return typeof id === 'string' ? id : undefined
  } catch {
    return undefined
  }
}
