/** Who makes a request. Access control decides it here, and only here; until then everybody may do everything. */
export interface Principal {
  readonly id: string
}

const anonymous: Principal = { id: 'anonymous' }

export function principalOf(): Principal {
  return anonymous
}
